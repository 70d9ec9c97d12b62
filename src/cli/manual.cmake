# cmake -DPROGRAM=... -DDIRECTORY=... -P: the manual pages of all commands
function(write_page name)
  execute_process(COMMAND ${PROGRAM} ${ARGN} --help-man OUTPUT_FILE ${DIRECTORY}/${name}.1 COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${DIRECTORY})
file(MAKE_DIRECTORY ${DIRECTORY})
execute_process(COMMAND ${PROGRAM} --help-words OUTPUT_VARIABLE commands OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" commands "${commands}")
foreach(command IN LISTS commands)
  write_page(syncnorm-${command} ${command})
endforeach()
write_page(syncnorm)
