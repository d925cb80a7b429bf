/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kruskal-Wallis: a published example, degenerate cases, many elements at once against one by one, chi-square against GSL. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <gsl/gsl_cdf.h>

#include "fetafix/base.h"
#include "examine/kruskal.h"

static void close_to(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not %.12g", a, b);
}

/* Two groups without ties: ranks 1 3 5 and 2 4 6 7; H from the formula by hand. */
static void plain(void **state)
{
    float a[] = {1.0f, 2.0f, 3.0f}, b[] = {1.5f, 2.5f, 3.5f, 9.0f}, scratch[7];
    ff_kruskal r = ff_kruskal_sorted(a, 3, b, 4, scratch);
    double h = 12.0 / (7 * 8) * (81.0 / 3 + 361.0 / 4) - 3 * 8;
    close_to(r.h, h, 1e-12);
    close_to(r.effect, h * 8 / 48, 1e-12);
}

/* Ties across and within the groups: ranks 1, 2.5 2.5, 4, 5.5 5.5, 7, 8. */
static void tied(void **state)
{
    float a[] = {1, 2, 2, 4}, b[] = {3, 4, 5, 6}, scratch[8];
    double first = 1 + 2.5 + 2.5 + 5.5, second = 36 - first;
    double h = (12.0 / (8 * 9) * (first * first + second * second) / 4 - 27) / (1 - 12.0 / (512 - 8));
    close_to(ff_kruskal_sorted(a, 4, b, 4, scratch).h, h, 1e-12);
    close_to(h, 3.60670731707, 1e-9);
}

static void degenerate(void **state)
{
    float same[] = {2, 2, 2, 2}, scratch[8];
    assert_true(ff_kruskal_sorted(same, 2, same, 2, scratch).h == 0);
    assert_true(ff_kruskal_sorted(same, 0, same, 2, scratch).h == 0);

    /* All similar ones equal: any other dissimilar value flags, however weak the test. */
    float zero[] = {0, 0}, other[] = {0, 1e-9f}, constant[] = {3, 3};
    const float *rows[] = {zero, zero, zero, other};
    ff_kruskal_sum sum = {0};
    ff_kruskal_columns(rows, 3, 1, 2, &sum);
    assert_int_equal(sum.elements, 2);
    assert_int_equal(sum.flagged, 1);
    const float *equal[] = {constant, constant, constant, constant};
    sum = (ff_kruskal_sum){0};
    ff_kruskal_columns(equal, 2, 2, 2, &sum);
    assert_int_equal(sum.flagged, 0);
}

static void critical_value(void **state)
{
    close_to(gsl_cdf_chisq_Q(FF_KRUSKAL_CRITICAL, 1), 0.05, 1e-7);
}

/* Side by side or one by one says the same, whatever the sizes, with few and many ties. */
static void together_or_apart(void **state)
{
    ff_rng rng = {42};
    for (int round = 0; round < 60; round++) {
        int n1 = 1 + (int)ff_rng_below(&rng, 100), n2 = 1 + (int)ff_rng_below(&rng, 100), n = n1 + n2;
        size_t elements = 1 + ff_rng_below(&rng, 70);
        uint64_t levels = round % 3 == 0 ? 3 : round % 3 == 1 ? 20 : 1000000;
        float *values = malloc((size_t)n * elements * sizeof *values), *column = malloc(2 * (size_t)n * sizeof *column);
        const float **rows = malloc((size_t)n * sizeof *rows);
        for (int i = 0; i < n; i++) {
            rows[i] = values + (size_t)i * elements;
            for (size_t k = 0; k < elements; k++)
                values[(size_t)i * elements + k] = (float)ff_rng_below(&rng, levels) - (float)(levels / 2) +
                                                   (i >= n1 && k % 2 ? (float)levels / 4 : 0);
        }
        ff_kruskal_sum sum = {0};
        ff_kruskal_columns(rows, n1, n2, elements, &sum);
        int64_t flagged = 0;
        double effect = 0;
        for (size_t k = 0; k < elements; k++) {
            bool constant = true, other = false;
            for (int i = 0; i < n; i++) {
                column[i] = rows[i][k];
                constant = constant && (i >= n1 || column[i] == column[0]);
                other = other || (i >= n1 && column[i] != column[0]);
            }
            ff_kruskal r = ff_kruskal_sorted(column, n1, column + n1, n2, column + n);
            flagged += constant ? other : gsl_cdf_chisq_Q(r.h, 1) < 0.05;
            effect += r.effect;
        }
        assert_int_equal(sum.flagged, flagged);
        close_to(sum.effect, effect, 1e-9 * (1 + effect));
        assert_int_equal(sum.elements, elements);
        free(values);
        free(column);
        free(rows);
    }
}

/* Without a fault about one element in twenty is flagged (4.8 to 5.3%). */
static void false_alarms(void **state)
{
    enum { N = 60, E = 20000 };
    ff_rng rng = {7};
    float *values = malloc(sizeof(float) * N * E);
    const float *rows[N];
    for (int i = 0; i < N; i++) {
        rows[i] = values + (size_t)i * E;
        for (int k = 0; k < E; k++)
            values[(size_t)i * E + (size_t)k] = (float)ff_rng_normal(&rng);
    }
    ff_kruskal_sum sum = {0};
    ff_kruskal_columns(rows, N / 2, N / 2, E, &sum);
    double share = (double)sum.flagged / E;
    assert_true(share > 0.044 && share < 0.056);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(tied),
        cmocka_unit_test(degenerate),
        cmocka_unit_test(critical_value),
        cmocka_unit_test(together_or_apart),
        cmocka_unit_test(false_alarms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
