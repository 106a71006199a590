# Builds for arm64 Linux with Debian's cross compiler, and runs what it built
# in QEMU, as the CPU that QEMU_CPU in the environment names. The libraries are
# arm64 packages, unpacked in the folder QUIRE_ARM64_ROOT: scripts/test_arm64
# does that.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR
  qemu-aarch64-static;-L;${QUIRE_ARM64_ROOT})

# Never a library or a header of the machine that we are on.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES QUIRE_ARM64_ROOT)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH ${QUIRE_ARM64_ROOT} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
# Where some packages keep those headers that depend on the CPU.
set(CMAKE_C_FLAGS_INIT
  "-idirafter ${QUIRE_ARM64_ROOT}/usr/include/aarch64-linux-gnu")
