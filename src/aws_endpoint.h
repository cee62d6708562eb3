/*-------------------------------------------------------------------------
 *
 * aws_endpoint.h
 *		Host names of AWS services, by region
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_AWS_ENDPOINT_H
#define APPCONFIG_AWS_ENDPOINT_H

extern bool appconfig_endpoint_region_is_valid(const char *region);
extern char *appconfig_endpoint_base_url(const char *service,
										 const char *region, bool use_fips,
										 bool use_dualstack);

#endif							/* APPCONFIG_AWS_ENDPOINT_H */
