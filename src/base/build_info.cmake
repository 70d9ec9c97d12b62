# Run at every build (cmake -P): writes OUTPUT from TEMPLATE, touching it only when something changed.
execute_process(COMMAND git -C ${SOURCE_DIR} describe --always --dirty --abbrev=12 --exclude=*
  OUTPUT_VARIABLE GIT_REVISION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(GIT_REVISION unknown)
endif()
string(REGEX REPLACE "([\\\"])" "\\\\\\1" FLAGS "${FLAGS}") # it becomes a string of C
configure_file(${TEMPLATE} ${OUTPUT} @ONLY)
