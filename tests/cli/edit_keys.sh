# Values from files, the types of standard keys, and elements of arrays.
. "$TRY"
cp "$GOLDEN/good/container_mixed_4096.gguf" m.gguf

# metadata KEY...: what info says of these keys.
metadata() {
	for key; do
		"$QUIRE" info m.gguf | grep "^  $key " | cut -c1-70
	done
}

# A chat template of 200 kB, byte for byte: no line end at its end, CR LF,
# quotes, tabs, characters of 2 to 4 bytes.
{
	printf '{%%- set start = "BEGIN" -%%}\r\n\t'
	i=0
	while [ $i -lt 2600 ]; do
		printf "{%%%% if m['role'] == \"user\" %%%%}\\\\n\303\244\342\202\254\360\237\230\200 %04d" $i
		printf '{{ bos + m["content"] }}\r\n{%% endif %%}   \t\\ \n'
		i=$((i + 1))
	done
	printf 'END without a line end'
} >chat.jinja
size=$(wc -c <chat.jinja)
[ "$size" -gt 200000 ] && echo "more than 200 kB"
try edit m.gguf --set tokenizer.chat_template=@chat.jinja
try verify m.gguf
place=$(LC_ALL=C grep -abo 'set start = "BEGIN"' m.gguf | cut -d : -f 1)
tail -c +$((place - 3)) m.gguf | head -c "$size" | cmp - chat.jinja &&
	echo the same bytes

# The key's own type, or that of GGUF, or a string.
printf '7\n' >number
printf '["a", "b"]\n' >list
printf 'line\n' >line
: >nothing
printf 'a\377' >latin1
printf '7\0008' >nul
printf '["a"]\000' >nul_list
try edit m.gguf --set general.name=@line --set my.line=@number \
	--set general.file_type=@number --set general.tags=@list \
	--set my.number:u16=@number --set my.empty=@nothing \
	--set my.at=@@home --set my.two=@@@
metadata general.name my.line general.file_type general.tags my.number \
	my.empty my.at my.two
try edit m.gguf --set a=@none
try edit m.gguf --set a=@
try edit m.gguf --set a=@.
try edit m.gguf --set a=@latin1
try edit m.gguf --set a:u32=@nul
try edit m.gguf --set general.tags=@nul_list
try edit m.gguf --set general.file_type=@line
head -c 67108865 /dev/zero >large
try edit m.gguf --set a=@large
rm large

# Standard keys have a type; a type that is given wins.
try edit m.gguf --set general.version=1.10 --set general.license=2 \
	--set general.base_model.count=1 --set general.base_model.0.version=3 \
	--set general.base_model.0.authors=3 --set general.base_model.x.version=3 \
	--set tokenizer.ggml.bos_token_id=1 --set tokenizer.ggml.add_bos_token=true \
	--set tokenizer.chat_template.tool_use=1 --set llama.rope.freq_base=10000 \
	--set llama.context_length=4096 --set 'llama.feed_forward_length=[1, 2]' \
	--set general.sampling.temp=1 --set general.sampling.top_k=40 \
	--set 'general.languages=[]' --set qwen2.attention.head_count:u64=8 \
	--set my.version=1.10
try edit m.gguf --set general.author=x --set general.quantized_by=12
try edit m.gguf --set gemma.block_count=many
try edit m.gguf --set general.datasets=one
try edit m.gguf --set tokenizer.ggml.add_eos_token=1
try edit m.gguf --set general.alignment=64

# An array is set as a whole.
try edit m.gguf --set 'general.tags[0]=x'
try edit m.gguf --set 'my.list[12]=x'
try edit m.gguf --set 'general.tags=["x", "y"]' --set 'my[a]=1' --set 'my[]=1'
try verify m.gguf
