/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"

#define SECRET_BYTES 256 /* as the scheme netsuite_oauth2 has it */

/* ERR_POLICY_DENIED: others may read it. The text is without the end of its line. */
static enum err read_secret(const char *path, struct secret **out)
{
    char text[SECRET_BYTES + 2];
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ERR_NOT_FOUND;
    }
    enum err err = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? ERR_OK : ERR_IO;
    if (err == ERR_OK && (info.st_mode & 0177) != 0) {
        err = ERR_POLICY_DENIED;
    }
    ssize_t len = err == ERR_OK ? read(fd, text, sizeof text) : 0;
    close(fd);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    if (err == ERR_OK && (len <= 0 || len > SECRET_BYTES)) {
        err = ERR_UNPROCESSABLE;
    }
    if (err == ERR_OK) {
        *out = secret_new(slice_of(text, (size_t)len));
    }
    wipe(text, sizeof text);
    return err;
}

static int load_secret(const struct config *config, struct secret **out)
{
    const char *path = config->netsuite_client_secret_file.ptr;
    enum err err = read_secret(path, out);
    if (err == ERR_NOT_FOUND) {
        return command_fail("connect.netsuite.client_secret_file %s cannot be read: %s",
                            path, strerror(errno));
    }
    if (err == ERR_POLICY_DENIED) {
        return command_fail(
            "connect.netsuite.client_secret_file: the mode of %s is not "
            "0600; run: chmod 600 %s, and make a new secret if others "
            "may have read it",
            path, path);
    }
    return err == ERR_OK
               ? 0
               : command_fail("connect.netsuite.client_secret_file: %s has to hold one "
                              "line of 1 to %d bytes",
                              path, SECRET_BYTES);
}

/* "app=http://…": the URL is looked at when an account is known. */
static bool is_base_url(struct slice item)
{
    static const char *const names[] = {"suitetalk", "restlets", "app"};
    ptrdiff_t equals = slice_find(item, '=');
    for (size_t i = 0; equals > 0 && i < sizeof names / sizeof names[0]; i++) {
        if (slice_is(slice_of(item.ptr, (size_t)equals), names[i])) {
            return slice_starts(slice_from(item, (size_t)equals + 1), SLICE("http"));
        }
    }
    return false;
}

int connect_prepare(const struct config *config, struct consent_client **client,
                    struct gateway_connect *out)
{
    struct secret *secret = NULL;
    *client = NULL;
    for (size_t i = 0; i < config->netsuite_base_urls.count; i++) {
        struct slice item = config->netsuite_base_urls.items[i];
        if (!is_base_url(item)) {
            return command_fail("connect.netsuite.base_urls: %.*s is not such as "
                                "suitetalk=https://{account}.example.com; the names "
                                "are suitetalk, restlets and app",
                                SLICE_ARG(item));
        }
    }
    if (config->netsuite_client_id.len > 0) {
        int code = config->netsuite_client_secret_file.len > 0
                       ? load_secret(config, &secret)
                       : 0;
        if (code != 0) {
            return code;
        }
        *client = consent_client_new(config->netsuite_client_id, secret);
    }
    *out = (struct gateway_connect){
        .integration = SLICE("netsuite"),
        .client = *client,
        .base_urls = config->netsuite_base_urls.items,
        .base_url_count = config->netsuite_base_urls.count,
    };
    return 0;
}
