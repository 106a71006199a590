# .npy files that matmul refuses, from a file and from a pipe.
. "$TRY"
gguf >m.gguf

refuse() {
	try matmul m.gguf w -i X.npy -o Y.npy
	echo '$ from stdin'
	cat X.npy | "$QUIRE" matmul m.gguf w -i - -o Y.npy 2>&1
	echo
}

: >X.npy
refuse
echo 'no array' >X.npy
refuse
(npy "'<f4'" '(2, 4)' | sed 's/NUMPY./NUMPY\x04/'; f32 1 2 3 4 1 2 3 4) >X.npy
refuse
(npy "'<f8'" '(1, 4)'; zeros 32) >X.npy
refuse
(npy "'>f4'" '(1, 4)'; zeros 16) >X.npy
refuse
(npy "[('a', '<f4')]" '(1, 4)'; zeros 16) >X.npy
refuse
(npy "'<f4'" '(1, 4)' True; zeros 16) >X.npy
refuse
(npy "'<f4'" '(1, 4'; zeros 16) >X.npy
refuse
(npy "'<f4'" '(4)'; zeros 16) >X.npy
refuse
(npy "'<f4'" '(2, 4)'; f32 1 2 3 4 1 2 3) >X.npy
refuse
(npy "'<f4'" '(2, 4)'; f32 1 2 3 4 1 2 3 4; echo) >X.npy
refuse
(npy "'<f4'" '(4611686018427387904, 4)'; zeros 32) >X.npy
refuse
(npy "'<f4'" '(274877906944, 4)'; zeros 32) >X.npy
refuse
esc=$(printf '\033')
(npy "'${esc}[2J'" '(1, 4)'; zeros 16) >X.npy
refuse

# Good arrays of the wrong shape.
(npy "'<f4'" '()'; f32 1) >X.npy
refuse
(npy "'<f4'" '(4, 1)'; f32 1 2 3 4) >X.npy
refuse
(npy "'<f4'" '(4, 0)') >X.npy
refuse
ls -A
