# Boots a Debian with systemd and runs tests/package/in-system there. Sourced by tests/package/run.

debian=$PWD/.test-tools/debian.tar
if [[ ! -e $debian ]] || ! has systemd-nspawn ; then
    left_out 'installing the package' 'systemd-nspawn and .test-tools/debian.tar (scripts/test-tools)'
else
    system=$work/system
    mkdir "$system" "$work/files"
    as_root tar -C "$system" -xf "$debian"
    # The same package as an older version, to upgrade from.
    cargo deb --quiet --no-build --no-strip --locked --package matricula-cli --target x86_64-unknown-linux-musl \
        --profile release --deb-version 0.0.1-1 --output "$work/files/old.deb"
    cp "$deb" "$work/files/new.deb"
    cp "$here/in-system" "$work/files"
    cat >"$work/package-test.service" <<'UNIT'
[Unit]
SuccessAction=poweroff
FailureAction=poweroff
[Service]
Type=oneshot
ExecStart=/root/test/in-system
StandardOutput=append:/root/test/output
StandardError=append:/root/test/output
TimeoutStartSec=300
UNIT
    as_root cp --recursive "$work/files" "$system/root/test"
    as_root cp "$work/package-test.service" "$system/etc/systemd/system"
    as_root ln -s ../package-test.service "$system/etc/systemd/system/multi-user.target.wants/"
    # Its own network, without a way out.
    if ! as_root timeout 400 systemd-nspawn --quiet --register=no --keep-unit --private-network --console=pipe \
        --directory="$system" --boot >"$work/console" 2>&1 </dev/null; then
        tail -30 "$work/console"
        fail 'the Debian does not boot'
    fi
    as_root sed 's/^/  /' "$system/root/test/output" || {
        tail -30 "$work/console"
        fail 'the Debian did not run the test'
    }
    as_root test -e "$system/root/test/passed" || fail 'the package, in a Debian with systemd'
    pass 'the package installs, starts, upgrades and is removed under systemd'
fi
