#!/usr/bin/env python3
"""check_bench.py QUIRE [DEVICE]: the figures that quire bench --device metal
prints must follow from its times, and it must name the device."""
import json
import math
import subprocess
import sys

BLOCK = {'Q4_0': (32, 18), 'F16': (1, 2)}
SHAPES = [(100, 9)]
ROWS = [1, 5, 17]


def expect(row, name, value):
    if not math.isclose(row[name], value, rel_tol=1e-6):
        sys.exit(f'{name} is {row[name]}, not {value}: {row}')


def check(row):
    count, size = BLOCK[row['weights']]
    weight_size = -(-row['k'] // count) * size * row['n']
    seconds = row['ms'] / 1e3
    if not 0 < seconds < 10 or not row['f32_ms'] > 0:
        sys.exit(f'times: {row}')
    expect(row, 'gbps', weight_size / seconds / 1e9)
    expect(row, 'gops', 2 * row['m'] * row['n'] * row['k'] / seconds / 1e9)
    expect(row, 'over_f32', row['f32_ms'] / row['ms'])
    if row['kernels'] != 'metal' or row['device'] not in (sys.argv[2:]
                                                         or [row['device']]):
        sys.exit(f'device: {row}')


def main():
    command = [sys.argv[1], 'bench', '--device', 'metal', '--json',
               '--m', ','.join(map(str, ROWS)), '--weights', ','.join(BLOCK)]
    for k, n in SHAPES:
        command += ['--shape', f'{k},{n}']
    output = subprocess.run(command, check=True, capture_output=True).stdout
    rows = json.loads(output)['results']
    for row in rows:
        check(row)
    wanted = [(k, n, weights, m) for k, n in SHAPES for weights in BLOCK
              for m in ROWS]
    if [(row['k'], row['n'], row['weights'], row['m'])
            for row in rows] != wanted:
        sys.exit('not the products that were asked for')


main()
