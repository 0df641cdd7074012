# programs.cmake - tests that run the finished program: guests of our own, Linux, bad input, the disassembler's oracle,
# and the tools that read the source. They need Python; those that need guests find them where ./test put them.
find_package(Python3 COMPONENTS Interpreter)
find_program(HV_AARCH64_GCC aarch64-linux-gnu-gcc)
set(HV_GUESTS "" CACHE PATH "Folder with Debian's kernels (scripts/guests.sh)")
if(DEFINED ENV{HV_GUESTS})
  set(HV_GUESTS $ENV{HV_GUESTS} CACHE PATH "" FORCE)
endif()

function(hv_program_test name labels)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT 1500 SKIP_RETURN_CODE 77)
endfunction()

# The same in both modes of the software CPU, which translates by default: interp.NAME only interprets, hot.NAME
# translates what is executed a second time. The scripts hand HV_ACCEL to --accel.
function(hv_program_modes name labels)
  hv_program_test(interp.${name} "${labels}" ${ARGN})
  set_tests_properties(interp.${name} PROPERTIES ENVIRONMENT HV_ACCEL=soft,jit=off)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    hv_program_test(hot.${name} "${labels}" ${ARGN})
    set_tests_properties(hot.${name} PROPERTIES ENVIRONMENT HV_ACCEL=soft,heat=2)
  endif()
endfunction()

if(Python3_FOUND AND HV_AARCH64_GCC)
  add_subdirectory(disasm)
  add_subdirectory(system)

  file(GLOB guests CONFIGURE_DEPENDS guests/*/*.S)
  foreach(guest ${guests})
    get_filename_component(name ${guest} NAME_WE)
    hv_program_test(guest.${name} "quick;badinput" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/guests/guests.py
      $<TARGET_FILE:hypervisor> ${guest})
    hv_program_modes(guest.${name} "quick;badinput" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/guests/guests.py
      $<TARGET_FILE:hypervisor> ${guest})
  endforeach()

  hv_program_test(conformance "quick" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/conformance/conformance.py
    $<TARGET_FILE:hypervisor>)

  hv_program_test(litmus "litmus" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/litmus/litmus.py
    $<TARGET_FILE:hypervisor>)
  hv_program_modes(litmus "litmus" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/litmus/litmus.py
    $<TARGET_FILE:hypervisor> --runs 10000)
  set_tests_properties(litmus PROPERTIES RUN_SERIAL TRUE)

  # The benchmark programs with little work: checksums as QEMU's. The speeds are for bench/bench.py.
  set(bench_check ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/bench/check.py $<TARGET_FILE:hypervisor>)
  hv_program_test(bench.programs "quick;bench" ${bench_check})
  hv_program_modes(bench.programs "bench" ${bench_check})
  hv_program_test(diverge.bench.programs "bench" ${bench_check} --one-cpu)
  set_tests_properties(diverge.bench.programs PROPERTIES ENVIRONMENT HV_ACCEL=soft,jit=diverge,heat=2)
  hv_cost(30 diverge.bench.programs)

  if(NOT HV_SANITIZE AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    hv_program_test(bench.insns "bench" ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/bench/insns.py $<TARGET_FILE:hypervisor> --check)
    hv_cost(80 bench.insns)
  endif()

  hv_program_test(hello "hello;badinput" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/cli/hello.py
    $<TARGET_FILE:hypervisor>)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
    hv_program_test(wx "quick" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/cli/wx.py $<TARGET_FILE:hypervisor>)
    hv_program_test(perf "quick" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/cli/perf.py $<TARGET_FILE:hypervisor>)
  endif()
  hv_program_test(manual "quick" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/cli/manual.py
    $<TARGET_FILE:hypervisor> ${CMAKE_SOURCE_DIR}/docs/hypervisor.1)
  hv_program_test(affinity "quick" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/cli/affinity.py
    $<TARGET_FILE:hypervisor>)
  hv_program_test(badinput "quick;badinput" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/cli/badinput.py
    $<TARGET_FILE:hypervisor>)
endif()

if(Python3_FOUND AND HV_AARCH64_GCC AND EXISTS "${HV_GUESTS}/vmlinuz-cloud")
  set(torture ${CMAKE_BINARY_DIR}/torture)
  set(initrd ${CMAKE_BINARY_DIR}/guests/test.cpio.gz)
  add_custom_command(OUTPUT ${torture}
    COMMAND ${HV_AARCH64_GCC} -O2 -static -pthread -o ${torture} ${CMAKE_CURRENT_SOURCE_DIR}/boot/torture.c
    DEPENDS boot/torture.c VERBATIM)
  add_custom_command(OUTPUT ${initrd}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/guests
    COMMAND ${CMAKE_SOURCE_DIR}/scripts/initrd.sh ${initrd} ${CMAKE_CURRENT_SOURCE_DIR}/boot/test-init ${torture}
    DEPENDS boot/test-init ${torture} ${CMAKE_SOURCE_DIR}/scripts/initrd.sh VERBATIM)
  add_custom_target(guest_initrd ALL DEPENDS ${initrd})
  set(boot ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/boot/boot.py $<TARGET_FILE:hypervisor> ${HV_GUESTS} ${initrd})

  hv_program_test(boot.quick "quick" ${boot} cloud-virt-gic3-2)
  hv_program_modes(boot.quick "boot" ${boot} cloud-virt-gic3-2)
  hv_program_test(bench.linux "boot;bench" ${bench_check} --linux)
  hv_program_modes(bench.linux "boot;bench" ${bench_check} --linux)
  foreach(case memory64 shell reboot escape button idle)
    hv_program_test(boot.${case} "boot" ${boot} ${case})
  endforeach()
  foreach(kernel linux cloud)
    foreach(board classic virt)
      foreach(gic 2 3)
        foreach(cpus 1 2 4 8)
          list(APPEND matrix_${kernel}_${board} ${kernel}-${board}-gic${gic}-${cpus})
        endforeach()
      endforeach()
      hv_program_test(boot.matrix.${kernel}.${board} "boot" ${boot} ${matrix_${kernel}_${board}})
    endforeach()
  endforeach()
  # The program for ARM64 with the KVM of an emulated host; ./test builds it (preset linux-arm64).
  # Linux with the board's usual GIC; bare-metal guests run with the others, too (hello on classic, conformance on virt).
  set(board_2 classic)
  set(board_3 virt)
  foreach(gic 2 3)
    hv_program_test(kvm.gic${gic} "kvm" ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/kvm/kvm.py
      ${CMAKE_SOURCE_DIR}/build/linux-arm64/hypervisor ${HV_GUESTS} ${initrd} ${gic}
      doctor hello auto linux-${board_${gic}} dtb denied conformance accel)
  endforeach()

  hv_program_test(boot.16k "boot" ${boot} 16k-virt-gic3-2)
  hv_program_test(boot.userland "boot" ${boot} userland)
  # node and a JVM: about 30 s of CPU time, on one CPU and on four.
  if(EXISTS "${HV_GUESTS}/jit-userland.cpio")
    hv_program_test(boot.jit-userland.1 "boot" ${boot} jit-userland-1)
    hv_program_test(boot.jit-userland.4 "boot" ${boot} jit-userland-4)
    hv_cost(30 boot.jit-userland.1 boot.jit-userland.4)
  endif()
  hv_program_test(boot.torture "boot" ${boot} torture)
  hv_program_test(boot.torture-small "boot" ${boot} torture-small)
  hv_cost(60 boot.torture kvm.gic2 kvm.gic3)
  hv_cost(20 boot.matrix.linux.classic boot.matrix.linux.virt boot.matrix.cloud.classic boot.matrix.cloud.virt boot.userland boot.idle)
endif()

if(NOT HV_SANITIZE)
  hv_program_test(tool.floors "tool" ${CMAKE_SOURCE_DIR}/scripts/check-floors.sh ${CMAKE_BINARY_DIR})
  hv_program_test(tool.tailcalls "tool" ${CMAKE_SOURCE_DIR}/scripts/check-tailcalls.sh ${CMAKE_BINARY_DIR}/libhv_soft.a)
  hv_program_test(tool.format "tool;slow" ${CMAKE_SOURCE_DIR}/scripts/check-style.sh format ${CMAKE_BINARY_DIR})
  hv_program_test(tool.tidy "tool;slow" ${CMAKE_SOURCE_DIR}/scripts/check-style.sh tidy ${CMAKE_BINARY_DIR})
  hv_program_test(tool.cppcheck "tool;slow" ${CMAKE_SOURCE_DIR}/scripts/check-style.sh cppcheck ${CMAKE_BINARY_DIR})
  hv_cost(200 tool.tidy)
  hv_cost(100 tool.cppcheck)
endif()
