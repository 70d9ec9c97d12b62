#ifndef SYNCNORM_TESTS_IDX_FILES_H
#define SYNCNORM_TESTS_IDX_FILES_H

/** Makes up IDX files, right and wrong ones, in a temporary directory. Ends the program when it cannot. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEST_PIXELS = 28 * 28, TEST_PATH = 4096 };

/** A new directory in `directory`. */
void make_directory(char directory[TEST_PATH]);

/** Removes it and the files in it. */
void remove_directory(const char *directory);

/** Appends a big-endian word, as IDX headers have them. */
void put_word(uint8_t *bytes, size_t *used, uint32_t word);

/** The contents of a file of `count` images, labels: free() them. Pixel p of image i is image_pixel(i, p), label i is
 *  i % 10. */
uint8_t *images_file(uint32_t count, size_t *bytes);
uint8_t *labels_file(uint32_t count, size_t *bytes);
uint8_t image_pixel(uint32_t image, uint32_t pixel);

/** `bytes` of `data` compressed as one gzip member: free() it. */
uint8_t *gzip(const uint8_t *data, size_t bytes, size_t *compressed);

/** Writes directory/name. */
void write_file(const char *directory, const char *name, const uint8_t *data, size_t bytes);

/** The four files of a data set; names end in .gz and files are compressed when `compressed`. */
void write_dataset(const char *directory, uint32_t train, uint32_t test, bool compressed);

#endif
