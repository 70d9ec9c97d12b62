# Run at every build (cmake -P): writes OUTPUT from TEMPLATE, touching it only when something changed.
execute_process(COMMAND git -C ${SOURCE_DIR} describe --always --dirty --abbrev=12 --exclude=*
  OUTPUT_VARIABLE GIT_REVISION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(GIT_REVISION unknown)
endif()
set(MODIFIED "")
if(GIT_REVISION MATCHES "-dirty$")
  execute_process(COMMAND git -C ${SOURCE_DIR} diff --name-only HEAD OUTPUT_VARIABLE MODIFIED OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()

# What the program is built from, whatever git knows of it
file(GLOB_RECURSE files RELATIVE ${SOURCE_DIR} ${SOURCE_DIR}/src/* ${SOURCE_DIR}/include/* ${SOURCE_DIR}/CMakeLists.txt)
list(FILTER files EXCLUDE REGEX "\\.md$")
list(SORT files)
set(all "")
foreach(file IN LISTS files)
  file(SHA256 ${SOURCE_DIR}/${file} digest)
  string(APPEND all "${digest} ${file}\n")
endforeach()
string(SHA256 SOURCES "${all}")
string(SUBSTRING ${SOURCES} 0 32 SOURCES)

string(REPLACE "\n" " " MODIFIED "${MODIFIED}")
foreach(text FLAGS MODIFIED) # they become strings of C
  string(REGEX REPLACE "([\\\"])" "\\\\\\1" ${text} "${${text}}")
endforeach()
configure_file(${TEMPLATE} ${OUTPUT} @ONLY)
