"""The structs of quire.h that the Python benchmarks pass to libquire.so."""

import ctypes


class String(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_size_t)]


class Tensor(ctypes.Structure):
    """quire_tensor"""

    _fields_ = [
        ("name", String),
        ("source", String),
        ("operation", String),
        ("dtype", ctypes.c_int),
        ("rank", ctypes.c_uint32),
        ("shape", ctypes.c_uint64 * 4),
        ("offset", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("data", ctypes.c_void_p),
        ("has_xxh3", ctypes.c_bool),
        ("xxh3", ctypes.c_uint64),
        ("part", ctypes.c_uint32),
        ("check", ctypes.c_void_p),
    ]


class RuntimeOptions(ctypes.Structure):
    """quire_runtime_options"""

    _fields_ = [
        ("device", ctypes.c_int),
        ("threads", ctypes.c_uint32),
        ("kernels", ctypes.c_char_p),
        ("parallel_for", ctypes.c_void_p),
        ("pool", ctypes.c_void_p),
    ]


class MatmulOptions(ctypes.Structure):
    """quire_matmul_options"""

    _fields_ = [
        ("x_dtype", ctypes.c_int),
        ("y_dtype", ctypes.c_int),
        ("x_stride", ctypes.c_size_t),
        ("y_stride", ctypes.c_size_t),
        ("accuracy_level", ctypes.c_uint32),
        ("batch", ctypes.c_void_p),
        ("k", ctypes.c_uint64),
        ("bias", ctypes.c_void_p),
    ]


class Error(ctypes.Structure):
    """quire_error"""

    _fields_ = [
        ("status", ctypes.c_int),
        ("offset", ctypes.c_uint64),
        ("path", ctypes.c_char * 256),
        ("message", ctypes.c_char * 240),
    ]
