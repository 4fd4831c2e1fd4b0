/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random_stock.h"

#include <string.h>

#include "base/require.h"
#include "base/secret.h"

void random_take(struct random_stock *stock, void *out, size_t count)
{
    REQUIRE(count <= sizeof(stock->bytes));
    if (stock->left < count) {
        random_bytes(stock->bytes, sizeof(stock->bytes));
        stock->left = sizeof(stock->bytes);
    }
    stock->left -= count;
    memcpy(out, stock->bytes + stock->left, count);
    wipe(stock->bytes + stock->left, count);
}
