#pragma once
#include <CommonCrypto/CommonCryptoError.h>
#include <stddef.h>
typedef CCCryptorStatus CCRNGStatus;
CCRNGStatus CCRandomGenerateBytes(void *bytes, size_t count);
