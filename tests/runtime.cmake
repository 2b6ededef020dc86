# Tests of what drives the core: the library on real sockets and threads, the command, the lab's programs.

# The wire of the lab: delay and loss between two interfaces.
add_executable(lab-wire lab/wire.c)
target_compile_definitions(lab-wire PRIVATE _GNU_SOURCE)
target_link_libraries(lab-wire PRIVATE floe_flags)

# Users of the library that only the lab needs.
foreach(name exchange roam names)
    add_executable(lab-${name} lab/${name}.c)
    target_compile_definitions(lab-${name} PRIVATE _DEFAULT_SOURCE)
    target_link_libraries(lab-${name} PRIVATE floe floe_flags PkgConfig::UV)
endforeach()

# The runtime on real sockets and threads.
add_executable(test_api runtime/test_api.c runtime/server.c)
target_compile_definitions(test_api PRIVATE _GNU_SOURCE)
target_link_libraries(test_api PRIVATE test_support)
add_test(NAME runtime/test_api COMMAND test_api)
set_tests_properties(runtime/test_api PROPERTIES LABELS runtime TIMEOUT 600)

add_executable(test_data runtime/test_data.c)
target_compile_definitions(test_data PRIVATE _GNU_SOURCE)
target_link_libraries(test_data PRIVATE test_support)
add_test(NAME runtime/test_data COMMAND test_data)
set_tests_properties(runtime/test_data PROPERTIES LABELS runtime TIMEOUT 600)

# Where system calls fail; ThreadSanitizer wants those for itself.
if(NOT FLOE_SANITIZE MATCHES thread)
    add_executable(test_faults runtime/test_faults.c runtime/faults.c runtime/relay_server.c)
    target_compile_definitions(test_faults PRIVATE _GNU_SOURCE)
    target_link_libraries(test_faults PRIVATE test_support)
    set_target_properties(test_faults PROPERTIES ENABLE_EXPORTS ON)
    if(FLOE_MDNS)
        target_compile_definitions(test_faults PRIVATE WITH_MDNS)
    endif()
    add_test(NAME runtime/test_faults COMMAND test_faults)
    set_tests_properties(runtime/test_faults PROPERTIES LABELS runtime TIMEOUT 600)
endif()

# What a core dump would show. Sanitizers keep what is freed, and copies of it.
if(NOT FLOE_SANITIZE)
    add_executable(test_secrets runtime/test_secrets.c runtime/relay_server.c)
    target_compile_definitions(test_secrets PRIVATE _GNU_SOURCE)
    target_link_libraries(test_secrets PRIVATE test_support)
    add_test(NAME runtime/test_secrets COMMAND test_secrets)
    set_tests_properties(runtime/test_secrets PROPERTIES LABELS runtime TIMEOUT 120)

    # A sanitizer's library stays where it is loaded, and does not survive a fork with threads.
    add_executable(test_process runtime/test_process.c)
    target_compile_definitions(test_process PRIVATE _GNU_SOURCE FLOE_LIBRARY="$<TARGET_FILE:floe>")
    target_link_libraries(test_process PRIVATE test_support ${CMAKE_DL_LIBS})
    add_dependencies(test_process floe)
    add_test(NAME runtime/test_process COMMAND test_process)
    set_tests_properties(runtime/test_process PROPERTIES LABELS runtime TIMEOUT 300)
endif()

add_executable(test_misuse runtime/test_misuse.c)
target_link_libraries(test_misuse PRIVATE test_support)
add_test(NAME runtime/test_misuse COMMAND test_misuse)
set_tests_properties(runtime/test_misuse PROPERTIES LABELS runtime TIMEOUT 60)

# The installed tree, from outside; a sanitizer's library would have to be linked there too.
if(NOT FLOE_SANITIZE)
    add_test(NAME install/outside
             COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install/run ${PROJECT_BINARY_DIR})
    set_tests_properties(install/outside PROPERTIES LABELS install TIMEOUT 300)
endif()
foreach(kind linux uv)
    if(kind STREQUAL uv OR CMAKE_SYSTEM_NAME STREQUAL "Linux")
        add_executable(test_interfaces_${kind} runtime/test_interfaces.c
                       ../src/runtime/interfaces.c ../src/runtime/interfaces_${kind}.c)
        target_compile_definitions(test_interfaces_${kind} PRIVATE _GNU_SOURCE)
        target_link_libraries(test_interfaces_${kind} PRIVATE test_support)
        add_test(NAME runtime/test_interfaces_${kind} COMMAND test_interfaces_${kind})
        set_tests_properties(runtime/test_interfaces_${kind} PROPERTIES LABELS runtime TIMEOUT 60)
    endif()
endforeach()

if(FLOE_COMMAND)
    add_test(NAME cli COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/cli/run ${PROJECT_BINARY_DIR})
    set_tests_properties(cli PROPERTIES LABELS cli TIMEOUT 120)
endif()

add_test(NAME layers/planted
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/layers/run ${PROJECT_BINARY_DIR})
set_tests_properties(layers/planted PROPERTIES LABELS layers TIMEOUT 120)

