/*-------------------------------------------------------------------------
 *
 * aws_endpoint.h
 *		host names of AWS services, by region
 *
 *-------------------------------------------------------------------------
 */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

extern bool	 appconfig_endpoint_region_is_valid(const char *region);
extern char *appconfig_endpoint_base_url(const char *region, bool use_fips,
										 bool use_dualstack);
extern char *appconfig_endpoint_sts_host(const char *region);

#endif /* AWS_ENDPOINT_H */
