/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over records and the handshake messages in them, which may be cut anywhere. */
#include "io/tls_hello.h"

#include "base/number.h"

#define HANDSHAKE 22

/* The first byte decides: methods of HTTP are in capitals, which no type of a record is. */
static enum tls_hello_kind look_at_first(unsigned char byte)
{
    if (byte == HANDSHAKE) {
        return TLS_HELLO_GOOD;
    }
    return byte >= 'A' && byte <= 'Z' ? TLS_HELLO_HTTP : TLS_HELLO_FOREIGN;
}

static void take_record_byte(struct tls_hello *hello, unsigned char byte)
{
    hello->record[hello->record_len++] = byte;
    if (hello->record_len == sizeof hello->record) {
        hello->record_left = (size_t)hello->record[3] << 8 | hello->record[4];
    }
}

/* False: it announces too much. */
static bool take_message_byte(struct tls_hello *hello, unsigned char byte)
{
    hello->message[hello->message_len++] = byte;
    if (hello->message_len < sizeof hello->message) {
        return true;
    }
    hello->message_left = (size_t)hello->message[1] << 16 |
                          (size_t)hello->message[2] << 8 | hello->message[3];
    return hello->message_left <= TLS_HELLO_BYTES;
}

/* Uses up `*used` bytes of what is within a record. */
static bool take_content(struct tls_hello *hello, struct slice content, size_t *used)
{
    bool is_header = hello->message_len < sizeof hello->message;
    bool fits = true;

    *used = size_least(content.len, hello->record_left);
    if (hello->record[0] == HANDSHAKE && *used > 0 && is_header) {
        *used = 1;
        fits = take_message_byte(hello, (unsigned char)content.ptr[0]);
    } else if (hello->record[0] == HANDSHAKE) {
        *used = size_least(*used, hello->message_left);
        hello->message_left -= *used;
    }
    hello->record_left -= *used;
    if (hello->message_len == sizeof hello->message && hello->message_left == 0) {
        hello->message_len = 0;
    }
    if (hello->record_left == 0) {
        hello->record_len = 0;
    }
    return fits;
}

enum tls_hello_kind tls_hello_look(struct tls_hello *hello, struct slice sealed)
{
    if (!hello->has_begun && sealed.len > 0) {
        hello->has_begun = true;
        enum tls_hello_kind kind = look_at_first((unsigned char)sealed.ptr[0]);
        if (kind != TLS_HELLO_GOOD) {
            return kind;
        }
    }
    while (sealed.len > 0) {
        size_t used = 1;
        if (hello->record_len < sizeof hello->record) {
            take_record_byte(hello, (unsigned char)sealed.ptr[0]);
        } else if (!take_content(hello, sealed, &used)) {
            return TLS_HELLO_LARGE;
        }
        sealed = slice_from(sealed, used);
    }
    return TLS_HELLO_GOOD;
}
