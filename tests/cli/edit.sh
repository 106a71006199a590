# Metadata changed in containers and in other GGUF files. test_stamp.py checks
# the results with gguf-py.
. "$TRY"
cp "$GOLDEN/good/container_mixed_4096.gguf" mixed.gguf
cp mixed.gguf old.gguf
gguf >foreign.gguf

# A program that has the file open keeps the old content.
exec 3<mixed.gguf
try edit mixed.gguf --set general.name=New --set general.url=https://a.b/c=d
cmp old.gguf - <&3 && echo the old one is still there
try verify mixed.gguf
"$QUIRE" info mixed.gguf | sed -n '/^metadata/,/quire.version/p'
"$QUIRE" hash old.gguf | grep -v ^xxh3- | sed s/old/mixed/ >1
"$QUIRE" hash mixed.gguf | grep -v ^xxh3- | diff 1 - && echo same tensors

# And back to the same bytes.
try edit mixed.gguf --unset general.url --set general.name=Mixed
cmp mixed.gguf old.gguf && echo the same again

# The type of a new key.
try edit mixed.gguf -o new.gguf --set a=true --set b=false --set c=0 \
	--set d=4294967295 --set e=4294967296 --set f=-1 --set g=-2147483649 \
	--set h=18446744073709551615 --set i=18446744073709551616 \
	--set j=1.5 --set k=1e3 --set l=1e39 --set m=-0.0 --set n= \
	--set o=007 --set p=+1 --set q=0x10 --set r=nan --set s=1.0.0 \
	--set t=" 1" --set u="1 " --set v="a \"word\"" --set w==
try edit new.gguf --unset a --unset c --set x=[1,-2] --set y=[1,2147483648] \
	--set z=[1,2.5] --set aa='["a", "\u00e9\u0000", ""]' \
	--set ab=[true,false] --set ac=[1e39]
"$QUIRE" info new.gguf --json | sed -n '/"b"/,/"quire.version/p'
try verify new.gguf

# With a type; and an existing key keeps its type.
try edit new.gguf --set a:u8=255 --set c:i8=-128 --set d:u16=65535 \
	--set e:i16=-32768 --set f:i64=-9223372036854775808 --set g:f64=0.1 \
	--set h:f32=0.1 --set i:string=1 --set j:bool=true --set k:i32=-0 \
	--set l:f32=-inf --set m:f64=nan --set x:[u8]=[0,255] \
	--set y:[u64]='[1, "18446744073709551615"]' --set z:[f64]='[1, "inf"]' \
	--set aa:[string]=[] --set n:[bool]=[]
try edit new.gguf --set a=7 --set g=1 --set h=2 --set i=3 --set x=[1] \
	--set b=true --set general.name=12
"$QUIRE" info new.gguf --json | sed -n '/"general.name"/p; /"b"/,/"quire.version/p'
try verify new.gguf

# A header that becomes too large for its place moves the data and changes no
# tensor.
long=$(head -c 5000 /dev/zero | tr '\0' x)
"$QUIRE" edit old.gguf --set general.name="$long" -o long.gguf | tail -n 1
try verify long.gguf
"$QUIRE" hash long.gguf | grep -v ^xxh3- | sed s/long/mixed/ | diff 1 - && echo same tensors
"$QUIRE" edit long.gguf --set general.name=Mixed | tail -n 1
cmp long.gguf old.gguf && echo the same again

# A file of another program keeps its alignment and gets no checksums.
try edit foreign.gguf --set general.name=F
try edit foreign.gguf --unset general.name
gguf | cmp -n 204 - foreign.gguf && echo the same, and padded
cp "$GOLDEN/good/foreign_alignment_65536.gguf" wide.gguf
try edit wide.gguf --set general.name=Wide
"$QUIRE" info wide.gguf | head -n 2

# The target of a link is replaced, and keeps its permissions.
mkdir folder
cp old.gguf folder/target.gguf
chmod 640 folder/target.gguf
ln -s folder/target.gguf link.gguf
try edit link.gguf --set general.name=Linked
test -L link.gguf && ls -l folder/target.gguf | cut -c1-10
"$QUIRE" info folder/target.gguf | grep general.name
ls -A . folder
