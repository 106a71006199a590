# Sourced by scripts/test_arm64 and scripts/test_s390x, after these are set:
#   arch       Debian's name of the architecture: arm64
#   triplet    that of its compiler and its libraries: aarch64-linux-gnu
#   cpu        CMake's and QEMU's name of it: aarch64
#   packages   the libraries that the tests take
#   required   not empty: what cannot run is an error, else a notice
# The cross compiler and QEMU are installed. The libraries, the C library among
# them, are unpacked in build/$arch/root and nowhere else: apt-get gets lists of
# its own for that, and leaves those of this machine alone.
folder=$root/build/$arch
libraries=$folder/root
compilers="gcc-$triplet g++-$triplet libc6-dev-$arch-cross qemu-user-static"

# give_up REASON...: the tests cannot run here.
give_up() {
	[ -z "$required" ] || die "$arch: $*"
	printf '\nNOT TESTED: %s: %s\n' "$arch" "$*"
	exit 0
}

# Whether everything named is installed, or can be.
can_install() {
	[ "$(id -u)" != 0 ] || return 0
	for package; do
		installed "$package" || { command -v sudo >/dev/null; return; }
	done
}

# apt_settings: apt-get for $arch, with files of its own. Ubuntu has all but
# amd64 on another server.
apt_settings() {
	mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
	: >"$folder/apt/status"
	cat <<-END
	APT::Architecture "$arch";
	APT::Architectures { "$arch"; };
	APT::Install-Recommends "false";
	APT::Sandbox::User "$(id -un)";
	Acquire::Retries "3";
	Acquire::Languages "none";
	Debug::NoLocking "true";
	Dir::State "$folder/apt";
	Dir::State::status "$folder/apt/status";
	Dir::Cache "$folder/apt";
	END
	id=$(. /etc/os-release && echo "$ID")
	[ "$id" = ubuntu ] || return 0
	name=$(. /etc/os-release && echo "$VERSION_CODENAME")
	for suite in "$name" "$name-updates" "$name-security"; do
		echo "deb [signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg] http://ports.ubuntu.com/ubuntu-ports $suite main universe"
	done >"$folder/apt/sources.list"
	cat <<-END
	Dir::Etc::sourcelist "$folder/apt/sources.list";
	Dir::Etc::sourceparts "-";
	END
}

fetch_packages() {
	apt-get -q update &&
		apt-get -q -y --download-only install "$@"
}

# unpack PACKAGE...: these and what they need, into $libraries.
unpack() {
	say "$arch libraries in build/$arch/root"
	if [ "$*" = "$(cat "$libraries/unpacked" 2>/dev/null)" ]; then
		echo "all there"
		return
	fi
	rm -rf "$libraries" "$folder/apt"
	mkdir -p "$libraries" "$folder/apt"
	apt_settings >"$folder/apt/settings"
	(
		export APT_CONFIG="$folder/apt/settings"
		retry fetch_packages "$@"
	) >build/packages.log 2>&1 ||
		give_up "apt-get has no packages of $arch: build/packages.log"
	for package in "$folder"/apt/archives/*.deb; do
		dpkg -x "$package" "$libraries"
	done
	rm -r "$folder/apt"
	echo "$*" >"$libraries/unpacked"
	echo "done"
}

# prepare: installs and unpacks all that building for $arch takes.
prepare() {
	# shellcheck disable=SC2086 # lists
	{
		can_install $build_packages $compilers ||
			give_up "neither root nor sudo, to install:" $compilers
		(install_packages $build_packages $compilers python3) ||
			give_up "the cross compiler could not be installed"
		unpack $packages
	}
}

# cross_build [CMAKE OPTION...]: build/$arch/build
cross_build() {
	say "Build: build/$arch/build"
	cmake -S . -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
		-DCMAKE_TOOLCHAIN_FILE="$root/cmake/debian-cross.cmake" \
		-DQUIRE_CROSS_TRIPLET="$triplet" -DQUIRE_CROSS_CPU="$cpu" \
		-DQUIRE_CROSS_ROOT="$libraries" -DQUIRE_INSTALL=OFF \
		-DQUIRE_WERROR=ON "$@" >build/configure.log ||
		die "cmake: see build/configure.log"
	cmake --build "$folder/build"
}

# cross_tests CPU [CTEST OPTION...]: as a CPU that QEMU knows by this name.
cross_tests() {
	QEMU_CPU=$1
	export QEMU_CPU
	say "Tests: $arch, as a CPU '$QEMU_CPU'"
	shift
	ctest --test-dir "$folder/build" -j "$(nproc)" --output-on-failure "$@"
}

# Where $arch is this machine's own, scripts/test tests it.
if [ "$(uname -m)" = "$cpu" ]; then
	say "$arch: this machine is one, and scripts/test tests it"
	exit 0
fi
