# Which line of a list is about which file: equal paths first, then the most last
# names in common; two that fit are an error.
. "$TRY"
plain() {
	sed "s|$PWD|HERE|g"
}
mkdir cpu cuda deep deep/cpu
printf 'one' >cpu/model.gguf
printf 'two' >cuda/model.gguf
printf 'three' >deep/cpu/model.gguf
printf 'four' >model.gguf
sha256sum cpu/model.gguf cuda/model.gguf >two
sha256sum model.gguf cpu/model.gguf cuda/model.gguf deep/cpu/model.gguf >all

try verify cpu/model.gguf cuda/model.gguf --manifest two
try verify cuda/model.gguf ./cpu//model.gguf --manifest two
try verify model.gguf cpu/model.gguf cuda/model.gguf deep/cpu/model.gguf --manifest all
# In another order, and by other words for the same paths.
sed 's|  |  ./|' all | sort >dotted
try verify deep/./cpu/model.gguf ./model.gguf cuda/model.gguf cpu/model.gguf --manifest dotted
# A file that is given twice is one file.
try verify cpu/model.gguf ./cpu/model.gguf cuda/model.gguf --manifest two

# A line about a file that was not given is reported, and no other file takes it.
try verify cpu/model.gguf --manifest two
sed 's|cuda|nowhere|' two >nowhere
try verify cpu/model.gguf --manifest nowhere
try verify cpu/model.gguf cuda/model.gguf --manifest nowhere
# Even with the same content.
{ grep ' cpu/' two && grep ' cpu/' two | sed 's|cpu|nowhere|'; } >same
try verify cpu/model.gguf --manifest same

# By last names: the list was made elsewhere.
sed 's|  |  /models/v1/|' two >elsewhere
try verify cpu/model.gguf cuda/model.gguf --manifest elsewhere
try verify "$PWD/cpu/model.gguf" "$PWD/cuda/model.gguf" --manifest two | plain
grep cpu two >one
try verify deep/cpu/model.gguf --manifest one
(cd cpu && try verify model.gguf --manifest ../one)
# The longer tail wins.
try verify deep/cpu/model.gguf cpu/model.gguf --manifest elsewhere

# Two that fit.
(cd cpu && try verify model.gguf --manifest ../two)
(cd cpu && try verify model.gguf --manifest ../two --json)
sed 's|cpu/||' one >bare
try verify cpu/model.gguf cuda/model.gguf --manifest bare
printf '%s\n' "$(cut -d ' ' -f 1 one)  a/b/cpu/model.gguf" \
	"$(cut -d ' ' -f 1 one)  c/b/cpu/model.gguf" >tails
try verify cpu/model.gguf --manifest tails

# Names of tensors may have colons and slashes, and end like a file.
cp "$GOLDEN/good/container_mixed_4096.gguf" m.gguf
"$QUIRE" edit m.gguf --set general.name=m.gguf 2>/dev/null >edit
"$QUIRE" hash m.gguf >list
sed 's|  m.gguf|  old/place/m.gguf|' list >moved
try verify m.gguf --manifest moved
try verify "$PWD/m.gguf" --manifest list | plain
echo 'xxh3      0123456789abcdef  m.gguf:x/m.gguf' >>list
try verify m.gguf --manifest list
try verify "$PWD/m.gguf" --manifest list | plain
cp m.gguf a:b.gguf
"$QUIRE" hash a:b.gguf >colon
try verify a:b.gguf --manifest colon
try verify ./a:b.gguf --manifest colon

# A set: the list may have been made by any part, and be checked by any.
for no in 1 2 3 4; do
	cp "$GOLDEN/good/set_container-0000$no-of-00004.gguf" s-0000$no-of-00004.gguf
done
for part in s-00001-of-00004.gguf s-00003-of-00004.gguf; do
	"$QUIRE" hash --algorithm sha256 $part >list
	try verify s-00001-of-00004.gguf --manifest list
	try verify s-00004-of-00004.gguf ./s-00002-of-00004.gguf --manifest list
done
mkdir other
cp s-* other
(cd other && try verify s-00002-of-00004.gguf --manifest ../list)
try verify "$PWD/other/s-00002-of-00004.gguf" s-00002-of-00004.gguf --manifest list | plain
# One part in exchange for another's, with the list's header line of each.
grep -v 'header.*00003-of' list >less
try verify s-00001-of-00004.gguf --manifest less
grep -v -e -header -e -padding list >tensors
try verify s-00001-of-00004.gguf --manifest tensors
try verify s-00001-of-00004.gguf --manifest tensors --tensors-only
# Files of a set: all must be listed, whichever part is given.
sha256sum s-*.gguf >sums
try verify s-00002-of-00004.gguf --manifest sums
grep -v 00003 sums >less
try verify s-00002-of-00004.gguf --manifest less
rm s-00003-of-00004.gguf
try verify s-00001-of-00004.gguf s-00002-of-00004.gguf --manifest list
: >empty
printf '%s  empty\n' "$(cut -d ' ' -f 1 one)" >list
try verify s-00001-of-00004.gguf --manifest list
