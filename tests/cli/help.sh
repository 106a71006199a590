# Every help text, by every way to request it.
. "$TRY"

try --help
"$QUIRE" -h >1; "$QUIRE" help >2; "$QUIRE" --help | cmp - 1 && cmp 1 2
for command in convert info verify hash compare export thin stamp strip edit merge split dump matmul bench
do
	try help $command
	"$QUIRE" help $command >1
	"$QUIRE" $command --help | cmp - 1
	"$QUIRE" $command -h | cmp - 1
	"$QUIRE" $command some words --help | cmp - 1
done
# Only the form of the version and of the number of CPUs is fixed.
"$QUIRE" --version | sed 's/[0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]*/X.Y.Z/
	s/[0-9][0-9]* of [0-9][0-9]* CPUs*\( (.*)\)*$/N of N CPUs/'
