"""Changes that make a good graph a bad one. Each function returns the change,
which takes the graph; `index` is the number of an initializer."""

from onnx import helper


def dims(index, *sizes):
    def change(graph):
        del graph.initializer[index].dims[:]
        graph.initializer[index].dims.extend(sizes)
    return change


def type_(index, number):
    def change(graph):
        graph.initializer[index].data_type = number
    return change


def given(index):
    """The initializer becomes an input of the graph."""
    def change(graph):
        part = graph.initializer[index]
        graph.input.append(helper.make_tensor_value_info(
            part.name, part.data_type, part.dims))
        del graph.initializer[index]
    return change


def computed(index):
    """The initializer becomes the output of a node."""
    def change(graph):
        part = graph.initializer[index]
        graph.node.insert(
            0, helper.make_node("Neg", ["other"], [part.name]))
        part.name = "other"
    return change
