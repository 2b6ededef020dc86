# What is installed, in four components: floe_runtime (the shared library), floe_development, floe_command, floe_documents.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/floe)

# Each library has targets of its own for CMake: only the static one needs what floe stands on.
foreach(library floe floe_static)
    target_include_directories(${library} PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
if(with_shared)
    install(TARGETS floe EXPORT floe-shared-targets
            RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT floe_runtime
            LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT floe_runtime NAMELINK_COMPONENT floe_development
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT floe_development)
    install(EXPORT floe-shared-targets NAMESPACE floe:: DESTINATION ${package_folder} COMPONENT floe_development)
endif()
if(with_static)
    install(TARGETS floe_static EXPORT floe-static-targets
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT floe_development)
    install(EXPORT floe-static-targets NAMESPACE floe:: DESTINATION ${package_folder} COMPONENT floe_development)
endif()
install(FILES ${public_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/floe COMPONENT floe_development)
install(FILES ${plain_headers} DESTINATION ${CMAKE_INSTALL_DATADIR}/floe COMPONENT floe_development)
if(WIN32)
    set(FLOE_SHARED_FILE ${CMAKE_IMPORT_LIBRARY_PREFIX}floe${CMAKE_IMPORT_LIBRARY_SUFFIX})
else()
    set(FLOE_SHARED_FILE ${CMAKE_SHARED_LIBRARY_PREFIX}floe${CMAKE_SHARED_LIBRARY_SUFFIX})
endif()
set(FLOE_STATIC_FILE ${CMAKE_STATIC_LIBRARY_PREFIX}floe${CMAKE_STATIC_LIBRARY_SUFFIX})
configure_package_config_file(cmake/floe-config.cmake.in floe-config.cmake INSTALL_DESTINATION ${package_folder}
                              PATH_VARS CMAKE_INSTALL_LIBDIR NO_SET_AND_CHECK_MACRO)
configure_file(cmake/floe-config-version.cmake.in floe-config-version.cmake @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/floe-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/floe-config-version.cmake
        DESTINATION ${package_folder} COMPONENT floe_development)

# floe.pc: relative to where it stands, so that the tree can be installed anywhere, and moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(FLOE_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
    file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
    string(REGEX REPLACE "/$" "" up "${up}")
    set(FLOE_PC_PREFIX "\${pcfiledir}/${up}")
endif()
foreach(folder LIBDIR INCLUDEDIR DATADIR)
    if(IS_ABSOLUTE "${CMAKE_INSTALL_${folder}}")
        set(FLOE_PC_${folder} "${CMAKE_INSTALL_${folder}}")
    else()
        set(FLOE_PC_${folder} "\${prefix}/${CMAKE_INSTALL_${folder}}")
    endif()
endforeach()
list(TRANSFORM FLOE_NEEDS REPLACE "^[A-Z]*:" "" OUTPUT_VARIABLE FLOE_PC_NEEDS)
list(TRANSFORM FLOE_PC_NEEDS REPLACE ">=" " >= ")
list(JOIN FLOE_PC_NEEDS ", " FLOE_PC_NEEDS)
set(FLOE_PC_PRIVATE)
set(FLOE_PC_LIBS)
if(with_shared) # else what the static library needs is everybody's
    set(FLOE_PC_PRIVATE .private)
else()
    set(FLOE_PC_LIBS " -lunistring")
endif()
configure_file(cmake/floe.pc.in floe.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/floe.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT floe_development)

install(FILES docs/man/libfloe.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT floe_development)
if(TARGET floe_man3)
    install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/man3/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man3
            COMPONENT floe_development)
endif()
if(FLOE_COMMAND)
    install(FILES docs/man/floe-json.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 COMPONENT floe_command)
    install(FILES docs/floe.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/floe COMPONENT floe_command)
    install(TARGETS floe_command DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT floe_command)
endif()
if(TARGET floe_command_files)
    list(TRANSFORM command_pages PREPEND ${CMAKE_CURRENT_BINARY_DIR}/)
    install(FILES ${command_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT floe_command)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/floe.bash RENAME floe DESTINATION ${FLOE_BASH_COMPLETION_DIR}
            COMPONENT floe_command)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/_floe DESTINATION ${FLOE_ZSH_COMPLETION_DIR} COMPONENT floe_command)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/floe.fish DESTINATION ${FLOE_FISH_COMPLETION_DIR} COMPONENT floe_command)
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/floe COMPONENT floe_documents)
install(FILES README.md CHANGELOG.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT floe_documents)
install(FILES docs/behind-nat.md docs/bindings.md docs/diagnose.md docs/from-pion.md docs/gather.svg
        docs/ice-transport.md docs/own-agent.md docs/reliability.md docs/rules.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs COMPONENT floe_documents)

# In another project all that is installed is that project's.
if(PROJECT_IS_TOP_LEVEL)
    add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -D FLOE_BUILD=${CMAKE_CURRENT_BINARY_DIR}
                      -P ${PROJECT_SOURCE_DIR}/cmake/uninstall.cmake VERBATIM)
endif()
