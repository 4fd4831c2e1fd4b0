# tests/unit/<folder>/test_x.c becomes the ctest <folder>/x, linked to that folder's library.
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
if(NOT CMOCKA_FOUND)
    message(STATUS "cmocka not found: unit tests are left out")
    return()
endif()
foreach(layer base io store catalog governor auth connectors core)
    file(GLOB tests CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/unit/${layer}/test_*.c")
    foreach(source ${tests})
        get_filename_component(stem "${source}" NAME_WE)
        string(REPLACE "test_" "" stem "${stem}")
        set(target "test-${layer}-${stem}")
        sluice_program(${target} SOURCES "${source}" LIBS sluice_${layer} PkgConfig::CMOCKA)
        set_target_properties(${target} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
        # cmocka's macros cast freely and its tests share one signature.
        target_compile_options(${target} PRIVATE -Wno-cast-qual -Wno-sign-conversion
            -Wno-conversion -Wno-missing-prototypes -Wno-stack-usage)
        add_test(NAME "${layer}/${stem}" COMMAND ${target}
                 WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
        set_tests_properties("${layer}/${stem}" PROPERTIES TIMEOUT 120)
    endforeach()
endforeach()
