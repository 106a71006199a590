#!/usr/bin/env python3
"""check.py CLANG SHADERS.metal WORK: the front end of C++ for OpenCL must
accept the shaders, and must refuse each planted fault below. The host must
send messages by its table only."""
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
FLAGS = ['-x', 'clcpp', '-cl-std=clc++2021', '-target', 'spir64',
         '-Xclang', '-finclude-default-header',
         '-Xclang', '-cl-ext=-all,+cl_khr_fp16', '-fsyntax-only',
         f'-I{HERE}', '-Wall', '-Wextra', '-Werror', '-Wno-unused',
         '-Wno-undefined-internal']

# What is wrong, the text there, the text in its place.
FAULTS = [
    ('threadgroup memory taken for device memory',
     'threadgroup O *tile_x = tile_w', 'device O *tile_x = tile_w'),
    ('threadgroup memory cast to device memory',
     '(threadgroup float *)memory', '(device float *)memory'),
    ('a pointer without an address space',
     'device const X *row = x', 'const X *row = x'),
    ('device memory taken for a thread\'s own',
     'device const ushort *codes,\n\t\t\t\tthread',
     'thread const ushort *codes,\n\t\t\t\tthread'),
    ('a write to weights', 'const ushort q = codes[i];\n\n\t\ta',
     'const ushort q = codes[i] = 1;\n\n\t\ta'),
    ('a write to the parameters',
     'const uint h = lane % 2;\n\tdevice',
     'const uint h = p.k = lane % 2;\n\tdevice'),
    ('y in constant memory', 'device uchar *y, device const uchar *bias,\n',
     'constant uchar *y, device const uchar *bias,\n'),
    ('double', 'float total = 0.0f;', 'double total = 0.0;'),
    ('parameters without an address space',
     'constant product_params &p, uint row', 'product_params &p, uint row'),
    ('matrices of two types multiplied',
     'simdgroup_matrix<O, 8, 8> ws[4], xs[2];',
     'simdgroup_matrix<O, 8, 8> ws[4];\n'
     '\t\t\tsimdgroup_matrix<half, 8, 8> xs[2];'),
    ('a matrix stored as half', 'results = (threadgroup float *)memory',
     'results = (threadgroup half *)memory'),
    ('a name that is not there', 'simd_sum(sums[r]);', 'simd_total(sums[r]);'),
]


def lint(clang, text, work):
    """None if the text is accepted, else the first error."""
    shaders, blanked = work / 'lint.metal', work / 'lint.clcpp'
    shaders.write_text(text)
    subprocess.run([sys.executable, '-B', HERE.parent / 'shim/generate.py',
                    shaders, blanked, '--lint'], check=True)
    run = subprocess.run([clang, *FLAGS, blanked], capture_output=True,
                         text=True, check=False)
    if run.returncode == 0:
        return None
    errors = [line for line in run.stderr.splitlines() if 'error:' in line]
    return errors[0] if errors else run.stderr


def check_host():
    """objc_msgSend, whose calls are casts, is used in the table of messages
    only."""
    for file in sorted((HERE.parent.parent.parent / 'metal').glob('*.[ch]')):
        if file.name != 'messages.h' and re.search(
                r'\bobjc_msgSend\b|#include <objc/', file.read_text()):
            sys.exit(f'{file.name}: messages go by metal/messages.h')


def main():
    check_host()
    clang, shaders, work = sys.argv[1], *map(pathlib.Path, sys.argv[2:4])
    text = shaders.read_text()
    failures = 0
    error = lint(clang, text, work)
    if error:
        sys.exit(f'the shaders do not pass: {error}')
    for name, old, new in FAULTS:
        if text.count(old) < 1:
            print(f'NOT THERE  {name}: {old!r}')
            failures += 1
            continue
        error = lint(clang, text.replace(old, new, 1), work)
        print(f'{"rejected" if error else "ACCEPTED"}  {name}')
        failures += not error
    sys.exit(failures != 0)


main()
