/*-------------------------------------------------------------------------
 *
 * aws_endpoint.c
 *		Host names of AWS services, by region
 *
 * What lives here is the table of AWS partitions and the names that are made
 * from it.  The rules are those of the endpoint rule set that AWS publishes
 * with its SDKs.
 *
 * What may not live here: where a region or a custom endpoint comes from
 * (fdw_options.c), and looking up a name (http.c).
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "aws_endpoint.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* a region becomes one label of a host name (RFC 1035, section 2.3.4) */
#define MAX_REGION_LENGTH 63

/*
 * A partition owns the regions that are one of its prefixes, a word and a
 * number, joined by hyphens: the regular expression
 * "^(us|eu|...)-\w+-\d+$" of the rule set.
 */
typedef struct AwsPartition
{
	const char *prefixes[11];	/* ends with a NULL */
	const char *dns_suffix;
	const char *dualstack_dns_suffix;
} AwsPartition;

/* The first one, "aws", also takes the regions that no pattern knows. */
static const AwsPartition partitions[] = {
	{{"us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"},
	"amazonaws.com",
	"api.aws"},
	{{"cn"}, "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
	{{"us-gov"}, "amazonaws.com", "api.aws"},
	{{"eusc-de"}, "amazonaws.eu", "api.amazonwebservices.eu"},
	{{"us-iso"}, "c2s.ic.gov", "api.aws.ic.gov"},
	{{"us-isob"}, "sc2s.sgov.gov", "api.aws.scloud"},
	{{"eu-isoe"}, "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
	{{"us-isof"}, "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
};

/*
 * Regions in which the plain name, of AppConfig as of STS, already is the FIPS
 * one.  The rule is for FIPS alone: together with dual-stack the usual name is
 * made.
 */
static const char *const fips_by_plain_name[] = {
	"us-gov-east-1",
	"us-gov-west-1",
};

/*
 * True for "prefix-word-number".  The word may not contain a hyphen, which is
 * what tells us-gov-west-1 from the regions of "us".
 */
static bool
region_has_prefix(const char *region, const char *prefix)
{
	size_t		len = strlen(prefix);

	if (strncmp(region, prefix, len) != 0 || region[len] != '-')
		return false;
	region += len + 1;

	len = strspn(region, LOWER DIGITS);
	if (len == 0 || region[len] != '-')
		return false;
	region += len + 1;

	len = strspn(region, DIGITS);
	return len > 0 && region[len] == '\0';
}

/* Returns the partition of a region, never NULL. */
static const AwsPartition *
find_partition(const char *region)
{
	size_t		i;

	for (i = 0; i < (int) lengthof(partitions); i++)
	{
		const char *const *prefix;

		for (prefix = partitions[i].prefixes; *prefix != NULL; prefix++)
		{
			if (region_has_prefix(region, *prefix))
				return &partitions[i];
		}
	}
	return &partitions[0];
}

/* True if the FIPS name of a service in this region has "-fips" in it. */
static bool
has_fips_name(const char *region, bool use_dualstack)
{
	size_t		i;

	for (i = 0; !use_dualstack && i < (int) lengthof(fips_by_plain_name); i++)
	{
		if (strcmp(region, fips_by_plain_name[i]) == 0)
			return false;
	}
	return true;
}

/*
 * True if the text can be a region: a label of a host name in lower case.
 * Whether AWS has such a region only AWS knows.
 */
bool
appconfig_endpoint_region_is_valid(const char *region)
{
	size_t		len = strspn(region, LOWER DIGITS "-");

	return len > 0 && len <= MAX_REGION_LENGTH && region[len] == '\0' &&
		region[0] != '-' && region[len - 1] != '-';
}

/*
 * Returns the URL of a service in a region, without a slash at its end,
 * palloc'd; NULL if the region is not a valid label, since it would otherwise
 * choose the host that gets the request.
 *
 * The service is "appconfig" or "sts", whose rule sets agree, but for STS's
 * old endpoint for all regions, which is not made.
 */
char *
appconfig_endpoint_base_url(const char *service, const char *region,
							bool use_fips, bool use_dualstack)
{
	const AwsPartition *partition;

	if (!appconfig_endpoint_region_is_valid(region))
		return NULL;

	partition = find_partition(region);
	return psprintf("https://%s%s.%s.%s", service,
					use_fips && has_fips_name(region, use_dualstack) ? "-fips"
					: "",
					region,
					use_dualstack ? partition->dualstack_dns_suffix
					: partition->dns_suffix);
}
