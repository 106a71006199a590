# Joins the shaders into one text and writes it as a C array:
#   cmake -DTEXT=out.metal -DOUTPUT=out.c -DFILES=a;b -P embed.cmake
# Quoted includes are dropped, as the files follow each other in order; each
# begins with a #line, so that the compiler's messages name it.
set(text "")
foreach(file ${FILES})
  file(READ ${file} part)
  get_filename_component(name ${file} NAME)
  string(REGEX REPLACE "#include \"[^\n]*\n" "\n" part "${part}")
  string(APPEND text "#line 1 \"${name}\"\n${part}")
endforeach()
file(WRITE ${TEXT} "${text}")
file(READ ${TEXT} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes
  "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT}
  "#include \"metal/source.h\"\n\nconst char quire_metal_source[] = {\n"
  "${bytes}0 };\n")
