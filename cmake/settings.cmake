# How every target of this project is compiled.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)

add_library(quire_settings INTERFACE)
if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  # -ffp-contract=off: a*b+c is rounded as it is written, on every compiler.
  target_compile_options(quire_settings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
    -Wmissing-prototypes -Wundef -Wvla -ffp-contract=off
    $<$<BOOL:${QUIRE_WERROR}>:-Werror>)
  # POSIX 2008, as C11 without extensions hides it.
  target_compile_definitions(quire_settings INTERFACE
    _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE _FILE_OFFSET_BITS=64)
endif()
if(QUIRE_HARDEN)
  include(cmake/harden.cmake)
endif()
if(QUIRE_SANITIZE)
  target_compile_options(quire_settings INTERFACE
    -fsanitize=${QUIRE_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(quire_settings INTERFACE -fsanitize=${QUIRE_SANITIZE})
endif()

# Settings, public headers and version of one of our libraries.
function(quire_library target)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:quire_settings>)
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR})
  set_target_properties(${target} PROPERTIES
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR} POSITION_INDEPENDENT_CODE ON)
  if(BUILD_SHARED_LIBS)
    target_compile_definitions(${target}
      PUBLIC QUIRE_SHARED PRIVATE QUIRE_BUILDING)
  endif()
endfunction()
