# accel.cmake - cmake -DPROGRAM=accel_conformance -DGIC=N -DEXPECTED=FILE -P: runs it on the software CPU and compares.
execute_process(COMMAND ${PROGRAM} soft ${GIC} OUTPUT_VARIABLE have RESULT_VARIABLE status)
file(READ ${EXPECTED} want)
# Whether the host gives large pages is not ours to say.
string(REGEX REPLACE "large [0-9]+ KiB" "large ? KiB" have "${have}")
if(NOT status EQUAL 0 OR NOT have STREQUAL want)
  message(FATAL_ERROR "status ${status}\n--- expected\n${want}--- here\n${have}")
endif()
