# elf_text_to_c.cmake - cmake -DIN=x.o -DOUT=x.c -DNAME=symbol -P: the executable section of an ELF64 object as a C
# array. Needs nothing but CMake, so that any assembler will do and no objcopy must match it.
file(READ ${IN} hex HEX)

# Little-endian number of LEN bytes at byte offset AT.
function(number result at len)
  set(value 0)
  math(EXPR last "${len} - 1")
  foreach(i RANGE ${last} 0 -1)
    math(EXPR pos "(${at} + ${i}) * 2")
    string(SUBSTRING "${hex}" ${pos} 2 byte)
    math(EXPR value "${value} * 256 + 0x${byte}")
  endforeach()
  set(${result} ${value} PARENT_SCOPE)
endfunction()

number(shoff 40 8)
number(shentsize 58 2)
number(shnum 60 2)
set(code "")
foreach(i RANGE 1 ${shnum})
  math(EXPR at "${shoff} + (${i} - 1) * ${shentsize}")
  math(EXPR at_type "${at} + 4")
  math(EXPR at_flags "${at} + 8")
  number(type ${at_type} 4)
  number(flags ${at_flags} 8)
  math(EXPR exec "${flags} & 4")
  if(type EQUAL 1 AND exec EQUAL 4)
    math(EXPR at_offset "${at} + 24")
    math(EXPR at_size "${at} + 32")
    number(offset ${at_offset} 8)
    number(size ${at_size} 8)
    math(EXPR pos "${offset} * 2")
    math(EXPR len "${size} * 2")
    string(SUBSTRING "${hex}" ${pos} ${len} code)
    break()
  endif()
endforeach()
if(code STREQUAL "")
  message(FATAL_ERROR "${IN} has no executable section")
endif()

string(REGEX REPLACE "(................................)" "\\1\n" code "${code}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," code "${code}")
string(REGEX REPLACE "\n$" "" code "${code}")
file(WRITE ${OUT} "/* Made from ${NAME}.s by cmake/elf_text_to_c.cmake; do not edit. */
#include \"guest/guest.h\"

const unsigned char guest_${NAME}[] = {
${code}
};
const unsigned guest_${NAME}_size = sizeof(guest_${NAME});
")
