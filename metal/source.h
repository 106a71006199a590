/*
 * source.h - the text of all shaders, for the device's driver to compile.
 * metal/embed.cmake makes it from params.h and kernels/.
 */
#ifndef QUIRE_METAL_SOURCE_H
#define QUIRE_METAL_SOURCE_H

extern const char quire_metal_source[];

#endif
