# embed.cmake: cmake -DINPUT=file -DOUTPUT=header -DNAME=array -P embed.cmake
# A text file as a C array of bytes with a zero at its end: string literals have a limit.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "((0x..,){24})" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "static const unsigned char ${NAME}_bytes[] = {\n${bytes}0};\n"
  "static const char *const ${NAME} = (const char *)${NAME}_bytes;\n")
