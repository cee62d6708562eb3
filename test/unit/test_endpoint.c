/*-------------------------------------------------------------------------
 *
 * test_endpoint.c
 *	  unit tests of src/aws_endpoint.c
 *
 * The expected names were made with the endpoint rule set of botocore 1.43.
 * That botocore refuses dual-stack names in us-isof and eu-isoe, which the
 * rule set by itself allows; they follow the table of partitions here.
 *
 * IDENTIFICATION
 *	  test/unit/test_endpoint.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "aws_endpoint.h"

#include "unit.h"

/* those of AppConfig, from which those of STS follow */
typedef struct ExpectedEndpoint
{
	const char *region;
	const char *plain;
	const char *dualstack;
	const char *fips;
	const char *both;
} ExpectedEndpoint;

/* the usual names of a region in a partition with these two suffixes */
#define REGULAR(region, s, d)                                           \
	{                                                                   \
		region, "https://appconfig." region "." s,                      \
			"https://appconfig." region "." d,                          \
			"https://appconfig-fips." region "." s,                     \
			"https://appconfig-fips." region "." d                      \
	}

#define AWS(region) REGULAR(region, "amazonaws.com", "api.aws")
#define AWS_CN(region) \
	REGULAR(region, "amazonaws.com.cn", "api.amazonwebservices.com.cn")

/* GovCloud: the plain name with FIPS alone, the usual one with dual-stack */
#define AWS_US_GOV(region)                                    \
	{                                                         \
		region, "https://appconfig." region ".amazonaws.com", \
			"https://appconfig." region ".api.aws",           \
			"https://appconfig." region ".amazonaws.com",     \
			"https://appconfig-fips." region ".api.aws"       \
	}

static const ExpectedEndpoint expected_endpoints[] = {
	AWS("us-east-1"),
	AWS("us-west-2"),
	AWS("eu-central-1"),
	AWS("ap-southeast-7"),
	AWS("sa-east-1"),
	AWS("ca-west-1"),
	AWS("me-south-1"),
	AWS("af-south-1"),
	AWS("il-central-1"),
	AWS("mx-central-1"),
	AWS("us-east-10"),
	AWS_CN("cn-north-1"),
	AWS_CN("cn-northwest-1"),
	AWS_US_GOV("us-gov-east-1"),
	AWS_US_GOV("us-gov-west-1"),
	AWS("us-gov-north-2"),
	REGULAR("eusc-de-east-1", "amazonaws.eu", "api.amazonwebservices.eu"),
	REGULAR("us-iso-east-1", "c2s.ic.gov", "api.aws.ic.gov"),
	REGULAR("us-isob-east-1", "sc2s.sgov.gov", "api.aws.scloud"),
	REGULAR("eu-isoe-west-1", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
	REGULAR("us-isof-south-1", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),

	/* no pattern matches, so partition aws */
	AWS("xx-foo-1"),
	AWS("aws-global"),
	AWS("cn-north"),
	AWS("cn-north-1a"),
	AWS("cn--1"),
	AWS("cn-a-b-1"),
	AWS("cn"),
	AWS("cnx-north-1"),
	AWS("eusc-fr-east-1"),
	AWS("us-isoz-east-1"),
	AWS("1"),
};

static const char *const invalid_regions[] = {
	"",
	"-us-east-1",
	"us-east-1-",
	"US-EAST-1",
	"us_east_1",
	"us-east-1.evil.example",
	"us-east-1/",
	"us-east-1@evil.example",
	"us-east-1#",
	"us east 1",
	"us-east-1\n",
	"us-\xc3\xa9st-1",
	"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg",
};

/* The same URL, of STS */
static char *
of_sts(const char *url)
{
	return psprintf("https://sts%s", url + strlen("https://appconfig"));
}

static void
test_base_url(const char *region, bool use_fips, bool use_dualstack,
			  const char *expected)
{
	char	   *url = appconfig_endpoint_base_url("appconfig", region, use_fips,
												  use_dualstack);
	char	   *sts = appconfig_endpoint_base_url("sts", region, use_fips,
												  use_dualstack);
	char	   *expected_sts = of_sts(expected);

	is_str(url, expected, "URL of %s, fips %d, dualstack %d", region, use_fips,
		   use_dualstack);
	is_str(sts, expected_sts, "URL of STS in %s, fips %d, dualstack %d", region,
		   use_fips, use_dualstack);
	pfree(url);
	pfree(sts);
	pfree(expected_sts);
}

static void
test_region(const ExpectedEndpoint *expected)
{
	ok(appconfig_endpoint_region_is_valid(expected->region), "%s is valid",
	   expected->region);
	test_base_url(expected->region, false, false, expected->plain);
	test_base_url(expected->region, false, true, expected->dualstack);
	test_base_url(expected->region, true, false, expected->fips);
	test_base_url(expected->region, true, true, expected->both);
}

int
main(void)
{
	size_t		i;

	for (i = 0; i < lengthof(expected_endpoints); i++)
		test_region(&expected_endpoints[i]);

	for (i = 0; i < lengthof(invalid_regions); i++)
	{
		int			n = (int) i;

		ok(!appconfig_endpoint_region_is_valid(invalid_regions[i]),
		   "invalid region %d", n);
		is_str(appconfig_endpoint_base_url("appconfig", invalid_regions[i],
										   false, false),
			   NULL, "no URL for invalid region %d", n);
	}
	ok(appconfig_endpoint_region_is_valid("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"),
	   "63 characters are valid");
	return done_testing();
}
