# The manifests of Kubernetes and the Compose files, against their schemas. Sourced by tests/package/run.

python=$PWD/.test-tools/venv/bin/python
if "$python" -c 'import kubernetes_validate' 2>/dev/null; then
    "$python" tests/package/kubernetes.py packaging/kubernetes/*.yaml || fail 'a manifest of Kubernetes is not valid'
    pass 'the manifests of Kubernetes fit their schema and the restricted standard'
else
    left_out 'the manifests of Kubernetes' kubernetes-validate
fi
if has docker-compose; then
    for file in packaging/compose/*.yaml; do
        docker-compose --file "$file" config --quiet || fail "$file is not valid"
    done
    pass 'the Compose files are valid'
else
    left_out 'the Compose files' docker-compose
fi
# Each example is a configuration that the program accepts: it gets as far as the missing key.
for file in packaging/matricula.toml packaging/compose/*.toml packaging/kubernetes/*.toml; do
    said=$("$program" serve --config "$file" 2>&1) || true
    [[ $said == *'master.key: No such file'* || $said == *'no master key: '* ]] || fail "$file: $said"
done
pass 'the program accepts every example of a configuration'
