# The warning set of the house style: all of them are errors.
set(SLUICE_WARNINGS
    -Werror -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wformat=2 -Wwrite-strings
    -Wcast-qual -Wcast-align -Wswitch-enum -Wnull-dereference -Wdouble-promotion)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND SLUICE_WARNINGS -Wcast-align=strict -Wlogical-op -Wduplicated-cond
         -Wduplicated-branches -Wjump-misses-init)
    if(NOT SLUICE_SANITIZE)
        # Sanitizers enlarge every frame, so the ceiling is held where it counts.
        list(APPEND SLUICE_WARNINGS -Wstack-usage=8192)
    endif()
elseif(CMAKE_C_COMPILER_ID STREQUAL "Clang")
    list(APPEND SLUICE_WARNINGS -Wunreachable-code -Wcomma -Wmissing-variable-declarations)
endif()
