# Builds for another architecture of Debian with its cross compiler, and runs
# what it built in QEMU, as the CPU that QEMU_CPU in the environment names.
# scripts/cross.sh sets these:
#   QUIRE_CROSS_TRIPLET   aarch64-linux-gnu
#   QUIRE_CROSS_CPU       aarch64, as CMake and QEMU name it
#   QUIRE_CROSS_ROOT      a folder with the unpacked libraries of that architecture
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES
  QUIRE_CROSS_TRIPLET QUIRE_CROSS_CPU QUIRE_CROSS_ROOT)
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${QUIRE_CROSS_CPU})
set(CMAKE_C_COMPILER ${QUIRE_CROSS_TRIPLET}-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR
  qemu-${QUIRE_CROSS_CPU}-static;-L;${QUIRE_CROSS_ROOT})

# Never a library or a header of the build machine.
set(CMAKE_LIBRARY_ARCHITECTURE ${QUIRE_CROSS_TRIPLET})
set(CMAKE_FIND_ROOT_PATH ${QUIRE_CROSS_ROOT} /usr/${QUIRE_CROSS_TRIPLET})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
# Some packages keep headers that depend on the CPU here.
set(CMAKE_C_FLAGS_INIT
  "-idirafter ${QUIRE_CROSS_ROOT}/usr/include/${QUIRE_CROSS_TRIPLET}")
