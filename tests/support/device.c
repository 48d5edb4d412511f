/* For tests alone: a security key in software, loaded by ssh-sk-helper (SSH_SK_PROVIDER).
   A key's handle is its seed and the flags to assert; its PIN is 1234. The flag 0x80, which
   FIDO keeps for extensions, makes it wait for a touch that never comes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct made { uint8_t flags; uint32_t counter; uint8_t *r; size_t r_length; uint8_t *s; size_t s_length; };

/* Of libcrypto, which ssh-sk-helper has loaded. */
void *EVP_PKEY_new_raw_private_key(int, void *, const uint8_t *, size_t);
void *EVP_MD_CTX_new(void);
int EVP_DigestSignInit(void *, void *, void *, void *, void *);
int EVP_DigestSign(void *, uint8_t *, size_t *, const uint8_t *, size_t);
uint8_t *SHA256(const uint8_t *, size_t, uint8_t *);

uint32_t sk_api_version(void) { return 0x000a0000; }
int sk_enroll(void) { return -2; }
int sk_load_resident_keys(void) { return -2; }

int sk_sign(uint32_t algorithm, const uint8_t *data, size_t length, const char *application,
            const uint8_t *handle, size_t handle_length, uint8_t flags, const char *pin, void *options,
            struct made **answer)
{
    uint8_t message[69] = {0}, *signature = malloc(64);
    size_t signature_length = 64;
    struct made *made = calloc(1, sizeof *made);
    if (algorithm != 1 || handle_length != 33) return -1;
    if ((flags & 4) && (!pin || strcmp(pin, "1234"))) return -3;
    if (handle[32] & 0x80) sleep(1000);
    SHA256((const uint8_t *)application, strlen(application), message);
    message[32] = made->flags = handle[32];
    message[36] = made->counter = 1;
    SHA256(data, length, message + 37);
    void *key = EVP_PKEY_new_raw_private_key(1087, NULL, handle, 32), *context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, NULL, NULL, NULL, key);
    if (EVP_DigestSign(context, signature, &signature_length, message, sizeof message) != 1) return -1;
    made->r = signature;
    made->r_length = 64;
    *answer = made;
    return 0;
}
