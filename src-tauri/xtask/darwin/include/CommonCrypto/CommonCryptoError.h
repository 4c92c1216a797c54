/* For openssl-src: what of CommonCrypto its random numbers need. */
#pragma once
#include <stdint.h>
enum { kCCSuccess = 0 };
typedef int32_t CCStatus;
typedef int32_t CCCryptorStatus;
