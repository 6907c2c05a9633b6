# The image: its settings, and its program as its user in its files. Sourced by tests/package/run.

skopeo inspect --config "oci-archive:$image:$version" >"$work/config.json"
jq -e '.config | .User == "65532:65532" and (.Volumes | has("/var/lib/matricula"))
    and .Entrypoint == ["/usr/bin/matricula"] and .WorkingDir == "/var/lib/matricula"' "$work/config.json" >/dev/null ||
    fail "the image has other settings: $(cat "$work/config.json")"
# Docker before version 25 reads only its own format.
skopeo copy --quiet "oci-archive:$image:$version" "docker-archive:$work/docker.tar:matricula:$version"
mkdir "$work/layout"
tar -C "$work/layout" -xf "$image"
as_root umoci raw unpack --image "$work/layout:$version" "$work/image" 2>"$work/unpack" || fail "$(cat "$work/unpack")"
cmp "$program" "$work/image/usr/bin/matricula" || fail 'the image has another program'

# The image's program, as its user and without capabilities.
in_image() {
    as_root env MATRICULA_MASTER_KEY_FILE=/etc/matricula/master.key sh -c 'echo $$ >"$0"; exec chroot "$@"' "$work/pid" \
        --userspec=65532:65532 --groups= "$work/image" /usr/bin/matricula "$@"
}
sed 's/0.0.0.0:8080/127.0.0.1:0/' packaging/compose/sqlite.toml >"$work/matricula.toml"
"$program" admin new-master-key "$work/master.key" >/dev/null
as_root install -m 644 "$work/matricula.toml" "$work/image/etc/matricula/"
# Every runtime mounts this file.
as_root install -m 644 /etc/resolv.conf "$work/image/etc/"
# A secret of Kubernetes: of root, and readable by the group of the pod.
as_root install -m 440 -o 0 -g 65532 "$work/master.key" "$work/image/etc/matricula/"
admin=(admin --config /etc/matricula/matricula.toml)
in_image "${admin[@]}" account create CACME00001 --name Acme
in_image "${admin[@]}" domain create acme.example --account CACME00001
in_image "${admin[@]}" administrator create robot@acme.example --account CACME00001
in_image --json "${admin[@]}" application create HR --account CACME00001 >"$work/application"
in_image --json "${admin[@]}" binding create robot@acme.example \
    --app-id "$(jq -r .app_id "$work/application")" >"$work/binding"

mkfifo "$work/log"
in_image serve --config /etc/matricula/matricula.toml 2>"$work/log" &
server=$!
# The first lines name the address; the rest must be read as well.
exec 3<"$work/log"
address=
while [[ -z $address ]] && read -r line <&3; do
    address=$(jq -r 'select(.message == "listening").address' <<<"$line") || fail "the server of the image: $line"
done
process=$(<"$work/pid")
[[ -n $address ]] || fail 'the server of the image does not start'
cat <&3 >"$work/rest" &
jq -s --arg url "http://$address" '.[0] + .[1] + {base_url: $url}' "$work/application" "$work/binding" >"$work/keys.json"
chmod 600 "$work/keys.json"
"$program" user create --keys "$work/keys.json" --email ann@acme.example --name 'Ann Lee'
[[ $(as_root stat -c %u "$work/image/var/lib/matricula/matricula.db") == 65532 ]] || fail 'the database belongs to another user'
as_root kill -TERM "$process"
wait "$server" || fail 'the server of the image does not stop cleanly'
exec 3<&-
pass "the image runs as user 65532 and creates a user ($(stat -c %s "$image" | numfmt --to=iec))"
