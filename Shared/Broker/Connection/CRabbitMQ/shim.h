#pragma once
#include <amqp.h>
#include <amqp_tcp_socket.h>
// Swift's Glibc module leaves it out.
#include <sys/eventfd.h>

/// `amqp_login_with_properties` is variadic, which Swift does not import; this is its PLAIN form.
static inline amqp_rpc_reply_t mien_login_plain(
    amqp_connection_state_t connection, const char *vhost, int channel_max, int frame_max, int heartbeat,
    const amqp_table_t *properties, const char *user, const char *password) {
    return amqp_login_with_properties(
        connection, vhost, channel_max, frame_max, heartbeat, properties, AMQP_SASL_METHOD_PLAIN, user, password);
}
