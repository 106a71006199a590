#!/usr/bin/env python3
"""generate.py SHADERS.metal OUT.cpp [--lint]: makes C++ of the shaders.
Attributes are replaced by spaces, so that line numbers stay the same. For each
instantiation of a kernel it adds a function that binds the arguments by their
attributes. --lint does the first step only, for a compiler that checks address
spaces."""
import re
import sys

IDS = {
    'thread_index_in_threadgroup': 'ids->index',
    'thread_index_in_simdgroup': 'ids->lane',
    'simdgroup_index_in_threadgroup': 'ids->simd',
    'simdgroups_per_threadgroup': 'ids->simds',
    'threadgroup_position_in_grid':
        '{ ids->group[0], ids->group[1], ids->group[2] }',
}
DEFINITION = re.compile(
    r'template <[^>]*>\s*kernel void (\w+)\((.*?)\)\s*\{', re.S)
INSTANCE = re.compile(
    r'template\s+\[\[host_name\("(\w+)"\)\]\]\s+kernel\s+(\w+)\s+'
    r'(\w+)<([^;]*)>;')
PARAMETER = re.compile(
    r'\s*(.*?)(\w+)\s*\[\[(\w+)(?:\((\w+)\))?\]\]\s*$', re.S)


def blank(match):
    return re.sub(r'[^\n]', ' ', match.group(0))


def without_comments(text):
    return re.sub(r'//[^\n]*|/\*.*?\*/', blank, text, flags=re.S)


def arguments(name, parameters):
    """The C++ of each argument and, as C++ too, the bindings used."""
    values, buffers, memory = [], [], []
    for parameter in parameters.split(',\n'):
        match = PARAMETER.match(parameter)
        if not match:
            sys.exit(f'{name}: cannot read parameter: {parameter.strip()}')
        kind, _, attribute, index = match.groups()
        kind = ' '.join(kind.split())
        if attribute == 'buffer':
            buffers.append(index)
            place = f'bindings->buffers[{index}]'
            values.append(f'*({kind[:-1]}*){place}' if kind.endswith('&')
                          else f'shim_pointer{{ {place} }}')
        elif attribute == 'threadgroup':
            memory.append(index)
            values.append(f'shim_pointer{{ bindings->memory[{index}] }}')
        elif attribute in IDS:
            value = IDS[attribute]
            values.append(kind + value if value[0] == '{'
                          else f'({kind}){value}')
        else:
            sys.exit(f'{name}: unknown attribute {attribute}')
    if len(set(buffers)) < len(buffers) or len(set(memory)) < len(memory):
        sys.exit(f'{name}: an index is bound twice')
    return values, buffers, memory


def bits(indices):
    return ' | '.join(f'1u << {index}' for index in indices) or '0'


def thunks(text):
    kernels = {name: arguments(name, parameters)
               for name, parameters in DEFINITION.findall(text)}
    functions, rows = [], []
    for host_name, _, name, types in INSTANCE.findall(text):
        values, buffers, memory = kernels[name]
        joined = ',\n\t\t'.join(values)
        functions.append(
            f'static void run_{host_name}(const lanes_bindings *bindings, '
            f'const lanes_ids *ids)\n{{\n\t(void)bindings, (void)ids;\n'
            f'\t{name}<{types}>(\n\t\t{joined});\n}}')
        rows.append(f'\t{{ "{host_name}", run_{host_name}, {bits(buffers)}, '
                    f'{bits(memory)} }},')
    if not rows:
        sys.exit('no kernels')
    return functions, rows


def main():
    source = open(sys.argv[1], encoding='utf-8').read()
    text = without_comments(source)
    lint = '--lint' in sys.argv
    # In a function this would be memory of one lane, so it is refused.
    local = re.search(r'^\s*threadgroup\s+\w+\s+\w+\s*(\[|;|=)', text, re.M)
    if local:
        sys.exit(f'threadgroup memory in a function: {local.group(0)}')
    cpp = INSTANCE.sub(
        (lambda m: f'template {m[2]} {m[3]}<{m[4]}>;') if lint else blank, text)
    cpp = re.sub(r'\[\[.*?\]\]', blank, cpp, flags=re.S)
    with open(sys.argv[2], 'w', encoding='utf-8') as out:
        out.write(cpp)
        if lint:
            return
        functions, rows = thunks(text)
        out.write('\n'.join(functions))
        out.write('\nconst struct lanes_kernel lanes_kernels[] = {\n')
        out.write('\n'.join(rows))
        out.write('\n};\nconst size_t lanes_kernel_count = '
                  'sizeof(lanes_kernels) / sizeof(lanes_kernels[0]);\n'
                  'const char lanes_source[] = {\n')
        out.write(','.join(str(byte) for byte in source.encode()))
        out.write(',0 };\n')


main()
