// The library that the shaders are, begins here; params.h and the other files
// of this folder follow, in the order of metal/CMakeLists.txt, as one text.
#include <metal_stdlib>
using namespace metal;
