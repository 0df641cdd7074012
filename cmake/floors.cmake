# floors.cmake - one static library per floor of docs/architecture.md; a floor links only what it may know.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
find_package(Threads REQUIRED)

add_library(hv_options INTERFACE)
target_include_directories(hv_options INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(hv_options INTERFACE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wno-unused-parameter -Wvla -fno-strict-aliasing -fwrapv)
  if(HV_WERROR)
    target_compile_options(hv_options INTERFACE -Werror)
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(hv_options INTERFACE -mcx16)
  endif()
endif()
if(WIN32)
  target_compile_definitions(hv_options INTERFACE _WIN32_WINNT=0x0A00 UNICODE __USE_MINGW_ANSI_STDIO=1
    _CRT_SECURE_NO_WARNINGS)
endif()
if(HV_SANITIZE)
  target_compile_options(hv_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer)
  target_link_options(hv_options INTERFACE -fsanitize=address,undefined)
endif()

# The freestanding floors see the compiler's own headers and nothing of an operating system's.
add_library(hv_freestanding INTERFACE)
target_link_libraries(hv_freestanding INTERFACE hv_options)
if(WIN32 AND CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  # The compilers' own headers for Windows lean on those of mingw-w64 and of Visual Studio.
  target_compile_options(hv_freestanding INTERFACE -ffreestanding)
elseif(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
    OUTPUT_VARIABLE HV_COMPILER_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE)
  target_compile_options(hv_freestanding INTERFACE -ffreestanding -nostdinc -isystem ${HV_COMPILER_INCLUDE})
endif()

# hv_floor(NAME DIR KIND DEPS...): all .c files of a folder as library hv_NAME.
function(hv_floor name dir kind)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${dir}/*.c)
  if(NOT sources)
    add_library(hv_${name} INTERFACE)
    target_link_libraries(hv_${name} INTERFACE ${ARGN})
    return()
  endif()
  add_library(hv_${name} STATIC ${sources})
  target_link_libraries(hv_${name} PRIVATE ${kind} PUBLIC ${ARGN})
  target_include_directories(hv_${name} PUBLIC ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
endfunction()

hv_floor(base base hv_freestanding)
hv_floor(arch arch hv_freestanding hv_base)
hv_floor(devices devices hv_freestanding hv_arch hv_base)
hv_floor(core core hv_freestanding hv_devices hv_arch hv_base)
hv_floor(soft accel/soft hv_freestanding hv_core hv_devices hv_arch hv_base)
hv_floor(detect accel/detect hv_freestanding hv_base)
hv_floor(boot boot hv_freestanding hv_core hv_devices hv_arch hv_base)
hv_floor(debug debug hv_freestanding hv_core hv_devices hv_arch hv_base)

# The translator calls bodies of micro-operations: op_*.c once more, in the form for that (jit/calls.c).
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  file(GLOB bodies CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/accel/soft/op_*.c)
  file(GLOB jit CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/accel/soft/jit/*.c)
  add_library(hv_soft_calls OBJECT ${bodies})
  target_compile_definitions(hv_soft_calls PRIVATE SOFT_CALL_FORM=1)
  target_compile_options(hv_soft_calls PRIVATE -Wno-unused-function) # lowering is not wanted here again
  # Translated code forgets frames of the host's stack (jit/stubs.c). One object without its mark keeps the program from being run
  # with a shadow stack, on systems whose compiler sets the mark by itself.
  target_compile_options(hv_soft_calls PRIVATE -fcf-protection=none)
  target_link_libraries(hv_soft_calls PRIVATE hv_freestanding)
  target_sources(hv_soft PRIVATE ${jit} $<TARGET_OBJECTS:hv_soft_calls>)
endif()
