# llhttp: a packaged library where pkg-config knows one, else the sources that Debian 12 ships
# inside node-llhttp. That package drags Node in, so only its files are taken.
pkg_check_modules(LLHTTP QUIET IMPORTED_TARGET libllhttp)
if(LLHTTP_FOUND)
    add_library(sluice_llhttp INTERFACE)
    target_link_libraries(sluice_llhttp INTERFACE PkgConfig::LLHTTP)
    return()
endif()
set(llhttp_root "${CMAKE_SOURCE_DIR}/build/deps/llhttp")
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp "${llhttp_root}/usr/share/llhttp"
          NO_DEFAULT_PATH NO_CACHE)
if(NOT LLHTTP_SOURCE_DIR)
    file(MAKE_DIRECTORY "${llhttp_root}")
    execute_process(COMMAND sh -c "apt-get download node-llhttp && dpkg-deb -x node-llhttp_*.deb ."
                    WORKING_DIRECTORY "${llhttp_root}" RESULT_VARIABLE failed
                    OUTPUT_QUIET ERROR_VARIABLE reason)
    if(failed)
        message(FATAL_ERROR "llhttp: no library, no sources, and apt-get download failed: ${reason}")
    endif()
    find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS "${llhttp_root}/usr/share/llhttp"
              NO_DEFAULT_PATH NO_CACHE REQUIRED)
endif()
find_path(LLHTTP_INCLUDE_DIR llhttp.h
          PATHS "${llhttp_root}/usr/include" "${llhttp_root}/usr/share/include"
                "${llhttp_root}/usr/include/llhttp" "${llhttp_root}/usr/share/include/llhttp"
                "${llhttp_root}/usr/share/llhttp"
                /usr/include /usr/include/llhttp /usr/share/include/llhttp /usr/share/llhttp
          NO_DEFAULT_PATH NO_CACHE REQUIRED)
add_library(sluice_llhttp STATIC "${LLHTTP_SOURCE_DIR}/llhttp.c" "${LLHTTP_SOURCE_DIR}/api.c"
            "${LLHTTP_SOURCE_DIR}/http.c")
target_include_directories(sluice_llhttp SYSTEM PUBLIC "${LLHTTP_INCLUDE_DIR}")
target_compile_options(sluice_llhttp PRIVATE -w)
