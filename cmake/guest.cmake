# guest.cmake - hv_guest: the built-in guest programs, assembled by clang or an AArch64 GNU assembler where there is
# one; otherwise from the checked-in images, which the test guest.image proves identical.
find_program(HV_AARCH64_AS NAMES aarch64-linux-gnu-as aarch64-none-elf-as aarch64-elf-as)
find_program(HV_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14)
if(HV_AARCH64_AS)
  set(HV_GUEST_ASSEMBLE ${HV_AARCH64_AS} -o)
elseif(HV_CLANG)
  set(HV_GUEST_ASSEMBLE ${HV_CLANG} --target=aarch64-none-elf -c -o)
endif()

set(hello_image ${CMAKE_SOURCE_DIR}/src/guest/hello_image.c)
if(HV_GUEST_ASSEMBLE)
  set(hello_built ${CMAKE_BINARY_DIR}/guest/hello_built.c)
  add_custom_command(OUTPUT ${hello_built}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/guest
    COMMAND ${HV_GUEST_ASSEMBLE} ${CMAKE_BINARY_DIR}/guest/hello.o ${CMAKE_SOURCE_DIR}/src/guest/hello.s
    COMMAND ${CMAKE_COMMAND} -DIN=${CMAKE_BINARY_DIR}/guest/hello.o -DOUT=${hello_built} -DNAME=hello
            -P ${CMAKE_SOURCE_DIR}/cmake/elf_text_to_c.cmake
    DEPENDS ${CMAKE_SOURCE_DIR}/src/guest/hello.s ${CMAKE_SOURCE_DIR}/cmake/elf_text_to_c.cmake
    VERBATIM)
  add_library(hv_guest STATIC ${hello_built})
  if(HV_TESTS)
    add_test(NAME guest.image COMMAND ${CMAKE_COMMAND} -E compare_files ${hello_built} ${hello_image})
    set_tests_properties(guest.image PROPERTIES LABELS "unit")
  endif()
else()
  message(STATUS "No AArch64 assembler: the built-in guest comes from src/guest/hello_image.c")
  add_library(hv_guest STATIC ${hello_image})
endif()
target_link_libraries(hv_guest PRIVATE hv_options)
target_include_directories(hv_guest PUBLIC ${CMAKE_SOURCE_DIR}/src)
