/*
 * factory.c - CreateEpFactories and ReleaseEpFactory, which ONNX Runtime calls
 * when the library is registered as an execution provider's.
 */
#include <stdlib.h>

#include "onnxruntime/provider.h"

/* Of a PCI device it would be the vendor's number. There is none for us; ONNX
 * Runtime compares it with those of devices only. */
#define VENDOR_ID 0

static const char *get_name(const OrtEpFactory *self)
{
	(void)self;
	return QUIRE_PROVIDER_NAME;
}

static const char *get_vendor(const OrtEpFactory *self)
{
	(void)self;
	return "Quire";
}

static uint32_t get_vendor_id(const OrtEpFactory *self)
{
	(void)self;
	return VENDOR_ID;
}

static const char *get_version(const OrtEpFactory *self)
{
	(void)self;
	return quire_version();
}

/* The CPU, once. */
static OrtStatus *get_devices(OrtEpFactory *self,
			      const OrtHardwareDevice *const *devices,
			      size_t count, OrtEpDevice **made, size_t most,
			      size_t *made_count)
{
	const struct factory *factory = (const struct factory *)self;

	*made_count = 0;
	for (size_t i = 0; i < count && most > 0; i++) {
		OrtStatus *status;

		if (factory->api->HardwareDevice_Type(devices[i]) !=
		    OrtHardwareDeviceType_CPU)
			continue;
		status = factory->ep->CreateEpDevice(self, devices[i], NULL,
						     NULL, &made[0]);
		if (!status)
			*made_count = 1;
		return status;
	}
	return NULL;
}

/* ONNX Runtime calls these three without asking whether they are there. The
 * CPU's allocator is used, and nothing is transferred. */
static OrtStatus *no_allocator(OrtEpFactory *self, const OrtMemoryInfo *memory,
			       const OrtKeyValuePairs *options,
			       OrtAllocator **allocator)
{
	(void)self;
	(void)memory;
	(void)options;
	*allocator = NULL;
	return NULL;
}

static void release_allocator(OrtEpFactory *self, OrtAllocator *allocator)
{
	(void)self;
	(void)allocator;
}

static OrtStatus *no_transfer(OrtEpFactory *self,
			      OrtDataTransferImpl **transfer)
{
	(void)self;
	*transfer = NULL;
	return NULL;
}

static bool is_stream_aware(const OrtEpFactory *self)
{
	(void)self;
	return false;
}

QUIRE_ORT_EXPORT OrtStatus *CreateEpFactories(const char *name,
					      const OrtApiBase *base,
					      const OrtLogger *logger,
					      OrtEpFactory **factories,
					      size_t most, size_t *count);
QUIRE_ORT_EXPORT OrtStatus *ReleaseEpFactory(OrtEpFactory *factory);

OrtStatus *CreateEpFactories(const char *name, const OrtApiBase *base,
			     const OrtLogger *logger, OrtEpFactory **factories,
			     size_t most, size_t *count)
{
	const OrtApi *api = base->GetApi(QUIRE_ORT_PROVIDER_VERSION);
	struct factory *factory;

	(void)name;
	(void)logger;
	if (!api)
		return quire_ort_too_old(base, "execution providers",
					 QUIRE_ORT_PROVIDER_VERSION);
	if (most < 1)
		return quire_ort_status(api, ORT_INVALID_ARGUMENT,
					"there is no room for a factory");
	factory = calloc(1, sizeof(*factory));
	if (!factory)
		return quire_ort_status(api, ORT_FAIL, "out of memory");
	factory->base = (OrtEpFactory){
		.ort_version_supported = QUIRE_ORT_PROVIDER_VERSION,
		.GetName = get_name,
		.GetVendor = get_vendor,
		.GetSupportedDevices = get_devices,
		.CreateEp = quire_provider_create,
		.ReleaseEp = quire_provider_release,
		.GetVendorId = get_vendor_id,
		.GetVersion = get_version,
		.CreateAllocator = no_allocator,
		.ReleaseAllocator = release_allocator,
		.CreateDataTransfer = no_transfer,
		.IsStreamAware = is_stream_aware,
	};
	factory->api = api;
	factory->ep = api->GetEpApi();
	factories[0] = &factory->base;
	*count = 1;
	return NULL;
}

OrtStatus *ReleaseEpFactory(OrtEpFactory *factory)
{
	free(factory);
	return NULL;
}
