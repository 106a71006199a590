# QUIRE_HARDEN: what compiler, C library and linker have against the use of memory
# errors. Sanitizers take the place of the first ones. Speed: CHANGELOG.md.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)

# quire_harden_compile(NAME FLAG): where the compiler knows it.
function(quire_harden_compile name flag)
  check_c_compiler_flag(${flag} QUIRE_HAS_${name})
  if(QUIRE_HAS_${name})
    target_compile_options(quire_settings INTERFACE ${flag})
  endif()
endfunction()

function(quire_harden_link name flag)
  check_linker_flag(C ${flag} QUIRE_HAS_${name})
  if(QUIRE_HAS_${name})
    target_link_options(quire_settings INTERFACE ${flag})
  endif()
endfunction()

quire_harden_compile(STACK_PROTECTOR -fstack-protector-strong)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|i.86")
  quire_harden_compile(CF_PROTECTION -fcf-protection)
endif()

# Level 3 needs glibc 2.34 and a compiler with __builtin_dynamic_object_size;
# older ones warn of it, and take level 2.
set(CMAKE_REQUIRED_FLAGS "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -Werror")
check_c_source_compiles("
#include <string.h>
#if !defined(__USE_FORTIFY_LEVEL) || __USE_FORTIFY_LEVEL < 3
#error level 3 is not there
#endif
int main(void) { return 0; }" QUIRE_HAS_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
set(level 2)
if(QUIRE_HAS_FORTIFY_3)
  set(level 3)
endif()
# It takes effect with optimization, and warns without it.
target_compile_options(quire_settings INTERFACE
  $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE>
  $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-D_FORTIFY_SOURCE=${level}>)

if(NOT APPLE AND NOT WIN32)
  quire_harden_link(RELRO LINKER:-z,relro)
  quire_harden_link(NOW LINKER:-z,now)
endif()
