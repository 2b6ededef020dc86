# Tests of what drives the core: the library on real sockets and threads, the command, the lab's programs.

# The wire of the lab: delay and loss between two interfaces.
floe_program(lab-wire lab/wire.c)
target_compile_definitions(floe_lab-wire PRIVATE _GNU_SOURCE)
target_link_libraries(floe_lab-wire PRIVATE floe_flags)

# Somebody who sends forged answers.
floe_program(lab-flood lab/flood.c)
target_compile_definitions(floe_lab-flood PRIVATE _GNU_SOURCE)
target_link_libraries(floe_lab-flood PRIVATE floe_flags)

# Users of the library that only the lab needs.
foreach(name answerer exchange roam names soak)
    floe_program(lab-${name} lab/${name}.c)
    target_compile_definitions(floe_lab-${name} PRIVATE _DEFAULT_SOURCE)
    target_link_libraries(floe_lab-${name} PRIVATE floe::floe floe_flags PkgConfig::FLOE_UV)
endforeach()

# A machine that has slept (LD_PRELOAD).
add_library(floe_lab-asleep MODULE lab/asleep.c)
set_target_properties(floe_lab-asleep PROPERTIES PREFIX "" OUTPUT_NAME lab-asleep)
target_link_libraries(floe_lab-asleep PRIVATE floe_flags ${CMAKE_DL_LIBS})

# What tests with the label `runtime` need, for who builds no others (.ci/run).
add_custom_target(runtime_tests)
foreach(name floe_example_tcp floe_example_chat floe_example_browser)
    if(TARGET ${name})
        add_dependencies(runtime_tests ${name})
    endif()
endforeach()

# The runtime on real sockets and threads: runtime/NAME.c, and what it shares with others. Some of its tests may be one more
# test of their own, as they wait for long: those whose names match `apart`.
function(runtime_test name)
    floe_program(${name} ${ARGN})
    target_compile_definitions(floe_${name} PRIVATE _GNU_SOURCE)
    target_compile_definitions(floe_${name} PRIVATE ICMP_IS_HEARD=$<BOOL:${FLOE_LINUX}> # by the sockets' error queue
                               HAS_MDNS=$<BOOL:${FLOE_MDNS}>
                               MANY_AT_ONCE=$<BOOL:${FLOE_LINUX}> # UDP_SEGMENT and UDP_GRO
                               WATCHED_BY_FLOE=$<BOOL:${FLOE_LINUX}>) # and not by libuv, which ends a process that it has no room to watch for
    target_link_libraries(floe_${name} PRIVATE floe_test_support)
    add_dependencies(runtime_tests floe_${name})
    if(apart)
        add_test(NAME runtime/${name} COMMAND floe_${name} -${apart})
        add_test(NAME runtime/${name}_of_transports COMMAND floe_${name} ${apart})
        set_tests_properties(runtime/${name}_of_transports PROPERTIES LABELS runtime)
    else()
        add_test(NAME runtime/${name} COMMAND floe_${name})
    endif()
    set_tests_properties(runtime/${name} PROPERTIES LABELS runtime)
endfunction()

runtime_test(test_api runtime/test_api.c runtime/moments.c runtime/server.c)
if(FLOE_LINUX) # some of its moments come by ICMP; elsewhere, after minutes
    runtime_test(test_lifetime runtime/test_lifetime.c runtime/moments.c runtime/server.c)
endif()
runtime_test(test_data runtime/test_data.c runtime/turn.c)
runtime_test(test_transport runtime/test_transport.c runtime/turn.c)
if(UNIX) # a peer by a socket of its own
    runtime_test(test_sharing runtime/test_sharing.c runtime/awaited.c runtime/relay_server.c)
endif()
if(CMAKE_SYSTEM_NAME STREQUAL Linux) # strangers by sockets of their own, and what is accepted is counted
    runtime_test(test_tcp runtime/test_tcp.c)
endif()
if(TARGET floe_example_tcp)
    add_test(NAME runtime/example_tcp COMMAND floe_example_tcp)
    set_tests_properties(runtime/example_tcp PROPERTIES LABELS runtime PASS_REGULAR_EXPRESSION "welcome" TIMEOUT 60)
endif()
if(TARGET floe_example_chat AND CMAKE_SYSTEM_NAME STREQUAL Linux AND NOT CMAKE_CROSSCOMPILING)
    add_test(NAME runtime/example_chat COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/runtime/chat $<TARGET_FILE:floe_example_chat>)
    set_tests_properties(runtime/example_chat PROPERTIES LABELS runtime SKIP_RETURN_CODE 77 TIMEOUT 120)
endif()
if(TARGET floe_example_browser AND NOT CMAKE_CROSSCOMPILING)
    add_test(NAME runtime/example_browser COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/runtime/browser $<TARGET_FILE:floe_example_browser>
             ${PROJECT_SOURCE_DIR}/examples/browser/page.html)
    set_tests_properties(runtime/example_browser PROPERTIES LABELS runtime SKIP_RETURN_CODE 77 TIMEOUT 200)
endif()
pkg_check_modules(FLOE_NICE IMPORTED_TARGET nice)
if(FLOE_NICE_FOUND AND NOT CMAKE_CROSSCOMPILING AND NOT FLOE_SANITIZE) # another ICE, where it is installed
    runtime_test(test_nice_tcp runtime/test_nice_tcp.c)
    target_link_libraries(floe_test_nice_tcp PRIVATE PkgConfig::FLOE_NICE)
endif()
set(apart *two_transports*)
runtime_test(test_memory runtime/test_memory.c runtime/awaited.c runtime/meeters.c runtime/relay_server.c)
unset(apart)
target_link_libraries(floe_test_memory PRIVATE PkgConfig::FLOE_CARES)
if(FLOE_MDNS AND FLOE_LINUX) # links in network namespaces
    runtime_test(test_links runtime/test_links.c runtime/own_network.c)
endif()
runtime_test(test_watch runtime/test_watch.c)
runtime_test(test_misuse runtime/test_misuse.c)
runtime_test(test_signals runtime/test_signals.c)
runtime_test(test_fairness runtime/test_fairness.c runtime/server.c)
runtime_test(test_service_ttl runtime/test_service_ttl.c)
runtime_test(test_link_servers runtime/test_link_servers.c)

# Where system calls fail; ThreadSanitizer wants those for itself, and a library in whose place another function stands must
# be a shared one, which tools/platforms has none of.
if(NOT FLOE_SANITIZE MATCHES thread AND NOT CMAKE_CROSSCOMPILING)
    set(apart *two_transports*)
    runtime_test(test_faults runtime/test_faults.c runtime/faults.c runtime/awaited.c
                 runtime/meeters.c runtime/relay_server.c)
    unset(apart)
    set_target_properties(floe_test_faults PROPERTIES ENABLE_EXPORTS ON)
    if(FLOE_LINUX)
        runtime_test(test_clock runtime/test_clock.c runtime/server.c)
        set_target_properties(floe_test_clock PROPERTIES ENABLE_EXPORTS ON)
        runtime_test(test_changes runtime/test_changes.c runtime/own_network.c)
        set_target_properties(floe_test_changes PROPERTIES ENABLE_EXPORTS ON)
        target_link_libraries(floe_test_changes PRIVATE ${CMAKE_DL_LIBS})
    endif()
    runtime_test(test_names runtime/test_names.c runtime/name_server.c runtime/awaited.c
                 runtime/server.c runtime/relay_server.c)
    set_target_properties(floe_test_names PROPERTIES ENABLE_EXPORTS ON)
    runtime_test(test_entropy runtime/test_entropy.c)
    set_target_properties(floe_test_entropy PROPERTIES ENABLE_EXPORTS ON)
endif()

if(NOT FLOE_SANITIZE)
    # What a core dump would show. Sanitizers keep what is freed, and copies of it.
    runtime_test(test_secrets runtime/test_secrets.c runtime/relay_server.c)
    # A sanitizer's library stays where it is loaded, and does not survive a fork with threads.
    runtime_test(test_process runtime/test_process.c)
    target_compile_definitions(floe_test_process PRIVATE FLOE_LIBRARY="$<TARGET_FILE:floe>")
    target_link_libraries(floe_test_process PRIVATE ${CMAKE_DL_LIBS})
    add_dependencies(floe_test_process floe)
endif()

foreach(kind linux uv)
    if(kind STREQUAL uv OR FLOE_LINUX)
        runtime_test(test_interfaces_${kind} runtime/test_interfaces.c
                     ../src/runtime/interfaces.c ../src/runtime/interfaces_${kind}.c)
    endif()
endforeach()

if(FLOE_COMMAND)
    if(NOT FLOE_SANITIZE) # whose libraries want to be the first
        add_library(floe_interrupt_at MODULE cli/interrupt_at.c)
        set_target_properties(floe_interrupt_at PROPERTIES C_VISIBILITY_PRESET default)
        target_compile_definitions(floe_interrupt_at PRIVATE _GNU_SOURCE)
        target_link_libraries(floe_interrupt_at PRIVATE floe_flags PkgConfig::FLOE_JANSSON ${CMAKE_DL_LIBS})
        set(interrupt_at $<TARGET_FILE:floe_interrupt_at>)
    endif()
    foreach(name words read connect)
        add_test(NAME cli/${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/cli/${name} ${PROJECT_BINARY_DIR})
        set_tests_properties(cli/${name} PROPERTIES LABELS cli SKIP_RETURN_CODE 77 ENVIRONMENT ICMP_IS_HEARD=$<BOOL:${FLOE_LINUX}>)
    endforeach()
    add_test(NAME cli COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/cli/run ${PROJECT_BINARY_DIR} ${interrupt_at})
    set_tests_properties(cli PROPERTIES LABELS cli ENVIRONMENT ICMP_IS_HEARD=$<BOOL:${FLOE_LINUX}>)
    add_test(NAME cli/screens COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/cli/screens ${PROJECT_BINARY_DIR})
    set_tests_properties(cli/screens PROPERTIES LABELS cli SKIP_RETURN_CODE 77)
endif()

add_test(NAME layers/planted
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/layers/run ${PROJECT_BINARY_DIR})
set_tests_properties(layers/planted PROPERTIES LABELS layers)

