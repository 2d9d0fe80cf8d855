# Glint's devstack plugin: which function of lib/glint runs in which phase.

# Save trace setting
_XTRACE_GLINT_PLUGIN=$(set +o | grep xtrace)
set +o xtrace

source $GLINT_DIR/devstack/lib/glint

if is_glint_enabled; then
    if [[ "$1" == "stack" && "$2" == "install" ]]; then
        echo_summary "Installing Glint"
        install_glint
    elif [[ "$1" == "stack" && "$2" == "post-config" ]]; then
        echo_summary "Configuring Glint"
        configure_glint
        if is_service_enabled key; then
            create_glint_accounts
        fi
        init_glint
    elif [[ "$1" == "stack" && "$2" == "extra" ]]; then
        echo_summary "Starting Glint"
        create_glint_second_region
        start_glint
    fi
fi

if [[ "$1" == "unstack" ]]; then
    stop_glint
elif [[ "$1" == "clean" ]]; then
    cleanup_glint
fi

# Restore xtrace
$_XTRACE_GLINT_PLUGIN
