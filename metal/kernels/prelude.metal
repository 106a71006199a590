// The beginning of the shaders, which are compiled as one text: this file,
// params.h and the other files of this folder, in the order of
// metal/CMakeLists.txt.
#include <metal_stdlib>
using namespace metal;
