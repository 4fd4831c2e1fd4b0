# tests/unit/<folder>/test_x.c becomes the ctest <folder>/x, linked to that folder's library.
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
if(NOT CMOCKA_FOUND)
    message(STATUS "cmocka not found: unit tests are left out")
    return()
endif()
foreach(layer base io store catalog governor coordination auth connectors core)
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
            -Wno-conversion -Wno-missing-prototypes
            $<$<C_COMPILER_ID:GNU>:-Wno-stack-usage>)
        add_test(NAME "${layer}/${stem}" COMMAND ${target}
                 WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
        set_tests_properties("${layer}/${stem}" PROPERTIES TIMEOUT 120)
    endforeach()
endforeach()

# 40,000 renewals on a real store: 20 s of a processor under the sanitizers.
set_tests_properties("auth/grant_day" PROPERTIES TIMEOUT 600)

# Millions of random steps: without it a quarter of an hour under the sanitizers.
target_compile_options(sluice_governor PRIVATE -O1)
target_compile_options(test-governor-governor_property PRIVATE -O1)

# The tree's own rules: who may include whom, what is banned, no mutable globals.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
    add_test(NAME arch/check COMMAND Python3::Interpreter -B tests/arch/check.py
             --build "${CMAKE_BINARY_DIR}" WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    add_test(NAME arch/check_of_check COMMAND Python3::Interpreter -B tests/arch/test_check.py
             WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
endif()
