"""One weight of each operator in each place where a model may keep it: models
of good/, with their constants moved."""

import onnx
from onnx import TensorProto, helper

from weight import external, GOOD, path, PLACES, save, write

# Models of other modules, with zero points if the operator has them.
BASES = ("zero_points", "gather_uint4_zero_points", "dq_int8_zero_points",
         "moe_zero_points", "bnb4_ragged")


def constants(graph, name):
    """Constant nodes in place of all initializers."""
    nodes = [helper.make_node("Constant", [], [part.name], value=part)
             for part in graph.initializer]
    nodes.extend(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.node.extend(nodes)


def typed(graph, name):
    """Numbers in typed fields: floats as floats, bytes (packed codes too) as
    one int32 each."""
    for part in graph.initializer:
        data = part.raw_data
        if part.data_type == TensorProto.FLOAT:
            numbers = onnx.numpy_helper.to_array(part).reshape(-1)
            part.float_data.extend(float(number) for number in numbers)
        elif part.data_type == TensorProto.INT8:
            part.int32_data.extend(
                byte - 256 * (byte > 127) for byte in data)
        else:
            part.int32_data.extend(data)
        part.ClearField("raw_data")


def files(graph, name):
    """A file for each constant, at odd offsets."""
    for i, part in enumerate(graph.initializer):
        data = part.raw_data
        location = "%s.%d.bin" % (name, i)
        write(PLACES, location, b"\xa5" * (2 * i + 1) + data)
        external(part, location, 2 * i + 1, len(data))


def loop(graph, name):
    """All nodes in the body of a Loop; the constants are outside."""
    body = helper.make_graph(
        list(graph.node), "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []),
         helper.make_tensor_value_info("go", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    node = helper.make_node("Loop", ["times", ""], ["all"], name="loop",
                            body=body)
    del graph.node[:]
    graph.node.append(node)
    graph.input.append(
        helper.make_tensor_value_info("times", TensorProto.INT64, []))


MOVES = (constants, typed, files, loop)


def make():
    for base in BASES:
        for place in MOVES:
            proto = onnx.load(path(GOOD, base + ".onnx"))
            name = "%s_in_%s" % (base, place.__name__)
            place(proto.graph, name)
            save(name, proto, folder=PLACES)
